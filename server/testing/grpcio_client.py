"""A client that shares nothing with ours but the protos: gRPC's own Python library, with Python's own protobuf.

usage: grpcio_client.py <descriptor set of the protos> <host:port> <api key> <project id>

Asks for the server's health, then prints the events of a project, one JSON object a line, until the stream ends; the
last line says how it ended.
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.json_format import MessageToDict

descriptors, address, key, project_id = sys.argv[1:]

pool = descriptor_pool.DescriptorPool()
with open(descriptors, "rb") as file:
    for proto in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
        pool.Add(proto)


def message(name):
    descriptor = pool.FindMessageTypeByName(name)
    # Debian 12 has the older of the two ways.
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


def say(what):
    print(json.dumps(what), flush=True)


with grpc.insecure_channel(address) as channel:
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=message("grpc.health.v1.HealthCheckRequest").SerializeToString,
        response_deserializer=message("grpc.health.v1.HealthCheckResponse").FromString,
    )
    say(MessageToDict(check(message("grpc.health.v1.HealthCheckRequest")(), timeout=10)))

    Request = message("nexus.v1.WatchEventsRequest")
    watch = channel.unary_stream(
        "/nexus.v1.EventService/WatchEvents",
        request_serializer=Request.SerializeToString,
        response_deserializer=message("nexus.v1.WatchEventsResponse").FromString,
    )
    try:
        request = Request(project_id=project_id, after=0)
        for answer in watch(request, timeout=60, metadata=[("authorization", f"Bearer {key}")]):
            say(MessageToDict(answer))
    except grpc.RpcError as error:
        details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
        say({"code": error.code().name, "draining": b"SERVER_DRAINING" in details})
