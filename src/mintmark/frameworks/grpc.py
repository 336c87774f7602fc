"""gRPC: server interceptors for threads and for asyncio.

::

    protect = ProtectInterceptor(ResourceServer("https://auth.example.com", "orders"), public=HEALTH)
    server = grpc.server(ThreadPoolExecutor(), interceptors=[protect])

    def GetOrder(self, request, context): person = current_claims().subject

``grpc.aio.server`` takes an :class:`AsyncProtectInterceptor`. The token is the ``authorization`` metadata.
A refusal becomes a status by :data:`STATUS`; challenge, reason and Retry-After go along as trailing metadata.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar, copy_context
from types import MappingProxyType
from typing import Any

import grpc

from mintmark.errors import ConfigurationError
from mintmark.jwt import Claims
from mintmark.resource_server import Refusal, Require, ResourceServer

__all__ = ["STATUS", "AsyncProtectInterceptor", "ProtectInterceptor", "current_claims"]

STATUS: Mapping[int, grpc.StatusCode] = MappingProxyType(
    {
        400: grpc.StatusCode.UNAUTHENTICATED,  # credentials that cannot be read are no argument of the call
        401: grpc.StatusCode.UNAUTHENTICATED,
        403: grpc.StatusCode.PERMISSION_DENIED,
        503: grpc.StatusCode.UNAVAILABLE,
    }
)
"""Which gRPC status stands for which HTTP status of a refusal."""

_TRAILING = frozenset({"www-authenticate", "retry-after"})
_claims: ContextVar[Claims | None] = ContextVar("mintmark_claims", default=None)

Metadata = Sequence[tuple[str, str]]


def current_claims() -> Claims:
    """Return the claims of the call that is being answered.

    :raises ConfigurationError: the method is public, or no interceptor is there.
    """
    claims = _claims.get()
    if claims is None:
        raise ConfigurationError("There are no claims: this method is not protected.")
    return claims


class _CallRequest:
    """A :class:`~mintmark.resource_server.Request` over a call's metadata."""

    __slots__ = ("_metadata", "url")

    method = "POST"  # every gRPC call is an HTTP/2 POST

    def __init__(self, name: str, metadata: Any) -> None:
        self.url = name
        self._metadata = tuple(metadata or ())

    def values(self, name: str) -> Sequence[str]:
        """Return every value of a metadata key."""
        return [value for key, value in self._metadata if key == name and isinstance(value, str)]


class _Rules:
    """What each method requires."""

    def __init__(
        self,
        resource_server: ResourceServer,
        require: Require | None = None,
        *,
        methods: Mapping[str, Require] | None = None,
        public: Collection[str] = (),
    ) -> None:
        self._server = resource_server
        self._require = require
        self._methods = dict(methods or {})
        self._public = frozenset(public)

    def is_public(self, name: str) -> bool:
        return name in self._public

    def of(self, name: str) -> Require | None:
        return self._methods.get(name, self._require)


class ProtectInterceptor(_Rules, grpc.ServerInterceptor):
    """Lets only calls with a sufficient access token through to a threaded server's methods.

    :param require: what every call must carry.
    :param methods: what single methods require instead, by their full names: ``"/shop.Orders/Cancel"``.
    :param public: full names of methods that need no token.
    """

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Wrap the method's handler in the check."""
        handler, name = continuation(handler_call_details), handler_call_details.method
        if handler is None or self.is_public(name):
            return handler
        require = self.of(name)

        def admitted(context: Any) -> Any:
            request = _CallRequest(name, context.invocation_metadata())
            try:
                claims = self._server.check(request, require)
            except Refusal as refusal:
                context.set_trailing_metadata(_trailing(refusal))
                context.abort(STATUS[refusal.status], refusal.description)
            # A context of its own: pool threads must not carry one caller's claims to the next.
            own = copy_context()
            own.run(_claims.set, claims)
            return own

        def unary(behavior: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
            return lambda request, context: admitted(context).run(behavior, request, context)

        def stream(behavior: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Iterator[Any]]:
            def guarded(request: Any, context: Any) -> Iterator[Any]:
                own, end = admitted(context), object()
                answers = own.run(lambda: iter(behavior(request, context)))
                while (answer := own.run(next, answers, end)) is not end:
                    yield answer

            return guarded

        return _rewrapped(handler, unary, stream)


class AsyncProtectInterceptor(_Rules, grpc.aio.ServerInterceptor):
    """Does for a ``grpc.aio`` server what :class:`ProtectInterceptor` does for a threaded one."""

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """Wrap the method's handler in the check."""
        handler, name = await continuation(handler_call_details), handler_call_details.method
        if handler is None or self.is_public(name):
            return handler
        require = self.of(name)

        async def admit(context: Any) -> None:
            request = _CallRequest(name, context.invocation_metadata())
            try:
                # Every call is a task of its own, and so the variable is its own, too.
                _claims.set(await self._server.acheck(request, require))
            except Refusal as refusal:
                context.set_trailing_metadata(_trailing(refusal))
                await context.abort(STATUS[refusal.status], refusal.description)

        def unary(behavior: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Awaitable[Any]]:
            async def guarded(request: Any, context: Any) -> Any:
                await admit(context)
                if inspect.iscoroutinefunction(behavior):
                    return await behavior(request, context)
                return await asyncio.to_thread(behavior, request, context)

            return guarded

        def stream(behavior: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
            if not inspect.isasyncgenfunction(behavior):
                return unary(behavior)  # a coroutine that writes to its context

            async def guarded(request: Any, context: Any) -> AsyncIterator[Any]:
                await admit(context)
                async for answer in behavior(request, context):
                    yield answer

            return guarded

        return _rewrapped(handler, unary, stream)


def _rewrapped(handler: Any, unary: Callable[[Any], Any], stream: Callable[[Any], Any]) -> Any:
    """Return a handler of the same kind around the guarded behaviour."""
    kinds = {
        (False, False): (handler.unary_unary, unary, grpc.unary_unary_rpc_method_handler),
        (True, False): (handler.stream_unary, unary, grpc.stream_unary_rpc_method_handler),
        (False, True): (handler.unary_stream, stream, grpc.unary_stream_rpc_method_handler),
        (True, True): (handler.stream_stream, stream, grpc.stream_stream_rpc_method_handler),
    }
    behavior, guard, make = kinds[handler.request_streaming, handler.response_streaming]
    return make(
        guard(behavior),
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


def _trailing(refusal: Refusal) -> Metadata:
    headers = [(name.lower(), value) for name, value in refusal.headers if name.lower() in _TRAILING]
    return (*headers, ("mintmark-reason", str(refusal.code)))
