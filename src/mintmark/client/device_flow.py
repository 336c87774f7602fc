"""DeviceFlow: a program without a browser signs a person in who has one elsewhere (RFC 8628)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from mintmark.client.device_answers import (
    DeviceAuthorization,
    DeviceFlowEnded,
    Ending,
    Polling,
    after_failure,
    read_authorization,
)
from mintmark.client.token_client import TokenClient
from mintmark.client.token_endpoint import form
from mintmark.client.tokens import Token
from mintmark.errors import MintmarkError

__all__ = ["DeviceFlow"]

_DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class DeviceFlow:
    """Signs people in on another device.

    ::

        client = TokenClient("https://auth.example.com", "shop-cli", public=True)
        flow = DeviceFlow(client, scope="orders:read")
        started = flow.start()
        print(f"Open {started.verification_uri} and enter {started.user_code}")
        token = flow.token(started)          # waits for the person
        source.begin(token.refresh_token)    # of a RefreshSource, where the issuer gave one

    :param scope: the scopes to ask for. :param resource: the resource to call (RFC 8707).
    :param sleep: what waits, given seconds; by default it ends early when the authorization is cancelled.
    :param asleep: the same for asyncio.
    """

    def __init__(
        self,
        client: TokenClient,
        *,
        scope: str | Sequence[str] | None = None,
        resource: str | None = None,
        sleep: Callable[[float], object] | None = None,
        asleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._endpoint = client.endpoint
        self._asked = form(scope=scope, resource=resource)
        self._sleep = sleep
        self._asleep = asleep

    def start(self) -> DeviceAuthorization:
        """Ask for a code (RFC 8628 3.1).

        :raises TokenRefused: the issuer says no. :raises FetchFailed: it cannot be asked.
        """
        address = self._endpoint.address("device_authorization_endpoint")
        return read_authorization(self._endpoint.post(address, self._asked), now=self._endpoint.clock())

    async def astart(self) -> DeviceAuthorization:
        """Do what :meth:`start` does without holding up the event loop."""
        return await asyncio.to_thread(self.start)

    def token(self, authorization: DeviceAuthorization) -> Token:
        """Wait until the person has signed in, and return the token (RFC 8628 3.4).

        While the issuer cannot be reached it is asked less and less often, until the code expires.

        :raises DeviceFlowEnded: denied, expired, or cancelled from another thread.
        :raises TokenRefused: the issuer says no to this client.
        """
        sleep = self._sleep or authorization.cancelled.wait
        outcome: Token | Polling = Polling(authorization.interval, authorization.expires_at)
        while isinstance(outcome, Polling):
            sleep(outcome.wait(self._endpoint.clock()))
            outcome = self._ask(authorization, outcome)
        return outcome

    async def atoken(self, authorization: DeviceAuthorization) -> Token:
        """Do what :meth:`token` does without holding up the event loop.

        Cancelling the task ends it at once.
        """
        outcome: Token | Polling = Polling(authorization.interval, authorization.expires_at)
        while isinstance(outcome, Polling):
            await self._asleep(outcome.wait(self._endpoint.clock()))
            outcome = await asyncio.to_thread(self._ask, authorization, outcome)
        return outcome

    def _ask(self, authorization: DeviceAuthorization, polling: Polling) -> Token | Polling:
        """Ask once; return the token, or how to go on."""
        if authorization.cancelled.is_set():
            raise DeviceFlowEnded("The sign-in was cancelled.", ending=Ending.CANCELLED)
        try:
            return self._endpoint.token(form(grant_type=_DEVICE_CODE, device_code=authorization.device_code))
        except MintmarkError as error:
            return after_failure(polling, error)
