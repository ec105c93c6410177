"""A receiver of OTLP over HTTP that reads spans with OpenTelemetry's own messages and writes each as a line of JSON.

What is not as the specification has it is answered 400, and told in a line of its own.
"""

import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def say(**what):
    print(json.dumps(what), flush=True)


def value(any_value):
    return getattr(any_value, any_value.WhichOneof("value"))


def attributes(pairs):
    found = {pair.key: value(pair.value) for pair in pairs}
    assert len(found) == len(pairs), f"a key stands twice: {sorted(pair.key for pair in pairs)}"
    return found


def told(span, resource):
    assert not UnknownFieldSet(span), "a span has fields that OTLP has not"
    assert len(span.trace_id) == 16 and any(span.trace_id), span.trace_id
    assert len(span.span_id) == 8 and any(span.span_id), span.span_id
    assert len(span.parent_span_id) in (0, 8), span.parent_span_id
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano, span
    return {
        "service": resource["service.name"],
        "trace": span.trace_id.hex(),
        "span": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind),
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "status": Status.StatusCode.Name(span.status.code),
        "message": span.status.message,
        "attributes": attributes(span.attributes),
    }


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            assert self.path == "/v1/traces", self.path
            assert self.headers["content-type"] == "application/x-protobuf", self.headers["content-type"]
            if self.headers["content-encoding"] == "gzip":
                body = gzip.decompress(body)
            message = ExportTraceServiceRequest.FromString(body)
            assert not UnknownFieldSet(message), "the message has fields that OTLP has not"
            for resource_spans in message.resource_spans:
                resource = attributes(resource_spans.resource.attributes)
                for scope_spans in resource_spans.scope_spans:
                    for span in scope_spans.spans:
                        say(**told(span, resource))
            status, answer = 200, ExportTraceServiceResponse().SerializeToString()
        except Exception as error:
            say(wrong=f"{type(error).__name__}: {error}")
            status, answer = 400, b""
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
say(port=server.server_port)
server.serve_forever()
