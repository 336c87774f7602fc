"""gRPC: an interceptor, and the caller's claims in the method. (Bytes in, bytes out, to need no .proto.)"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from mintmark.frameworks.grpc import ProtectInterceptor, current_claims
from mintmark.resource_server import Require, ResourceServer


def get_orders(request: bytes, context: Any) -> bytes:
    return (current_claims().subject or "").encode()


methods = {
    "GetOrders": grpc.unary_unary_rpc_method_handler(get_orders),
    "Health": grpc.unary_unary_rpc_method_handler(lambda request, context: b"ok"),
}
resource = ResourceServer(os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"), "orders")
protect = ProtectInterceptor(resource, Require("orders:read"), public=["/shop.Orders/Health"])

if __name__ == "__main__":
    server = grpc.server(ThreadPoolExecutor(8), interceptors=[protect])
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("shop.Orders", methods)])
    port = server.add_insecure_port(f"127.0.0.1:{os.environ.get('PORT', '8710')}")
    server.start()
    print(f"127.0.0.1:{port}", flush=True)
    server.wait_for_termination()
