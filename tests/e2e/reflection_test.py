# SPDX-License-Identifier: Apache-2.0
"""Server reflection and Health/Watch: RPCs with more than one message, as generic clients use them."""
import os
import queue
import subprocess
import tempfile
import unittest

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import support
from clients import MODELS, Base

SERVICES = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
            "tensord.Administration", "tensorflow.ProfilerService", "tensorflow.serving.ModelService", "tensorflow.serving.PredictionService"]


def message_class(pool, name):
    descriptor = pool.FindMessageTypeByName(name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


def reflection_messages(version):
    """Request and response; generated modules of a package grpc.reflection would hide grpc's own."""
    with tempfile.TemporaryDirectory() as scratch:
        target = os.path.join(scratch, "set")
        subprocess.run(["protoc", "-I", os.path.join(support.ROOT, "proto"), "--descriptor_set_out=" + target,
                        f"grpc/reflection/{version}/reflection.proto"], check=True)
        with open(target, "rb") as file:
            files = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    return [message_class(pool, f"grpc.reflection.{version}.ServerReflection{kind}") for kind in ("Request", "Response")]


class Talk:
    """A conversation, question by question, on one stream."""

    def __init__(self, server, version):
        self.request, response = reflection_messages(version)
        self.questions = queue.Queue()
        call = server.channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                                            request_serializer=self.request.SerializeToString, response_deserializer=response.FromString)
        self.answers = call(iter(self.questions.get, None), timeout=60)

    def ask(self, **question):
        self.questions.put(self.request(host="here", **question))
        answer = next(self.answers)
        assert answer.original_request == self.request(host="here", **question) and answer.valid_host == "here"
        return answer

    def files(self, **question):
        return [descriptor_pb2.FileDescriptorProto.FromString(data)
                for data in self.ask(**question).file_descriptor_response.file_descriptor_proto]

    def error(self, **question):
        answer = self.ask(**question).error_response
        return answer.error_code, answer.error_message

    def end(self):
        self.questions.put(None)
        return list(self.answers), self.answers.code()


class Reflection(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server(model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf2"))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def test_a_client_without_proto_files(self):
        for version in ("v1", "v1alpha"):
            talk = Talk(self.server, version)
            services = [s.name for s in talk.ask(list_services="").list_services_response.service]
            self.assertEqual(SERVICES, sorted(services))
            pool, known = descriptor_pool.DescriptorPool(), set()
            for service in services:
                # Files come with all that they import, what was asked for first.
                for file in reversed(talk.files(file_containing_symbol=service)):
                    if file.name not in known:
                        pool.Add(file)
                    known.add(file.name)
            self.assertEqual(([], grpc.StatusCode.OK), talk.end())
            method = pool.FindServiceByName("tensorflow.serving.PredictionService").FindMethodByName("Predict")
            request = message_class(pool, method.input_type.full_name)()
            request.model_spec.name = "half"
            request.inputs["x"].dtype = 1
            request.inputs["x"].tensor_shape.dim.add().size = 2
            request.inputs["x"].float_val.extend([1, 2])
            answer = self.server.call_bytes(f"/{method.containing_service.full_name}/{method.name}", request.SerializeToString())
            self.assertEqual([2.5, 3.0], list(message_class(pool, method.output_type.full_name).FromString(answer).outputs["y"].float_val))

    def test_symbols(self):
        talk = Talk(self.server, "v1")
        for symbol, name in (("tensorflow.serving.PredictRequest", "tensorflow_serving/apis/predict.proto"),
                             ("tensorflow.serving.PredictRequest.InputsEntry", "tensorflow_serving/apis/predict.proto"),
                             ("tensorflow.serving.PredictRequest.output_filter", "tensorflow_serving/apis/predict.proto"),
                             ("tensorflow.serving.PredictionService.Regress", "tensorflow_serving/apis/prediction_service.proto"),
                             ("tensorflow.TensorShapeProto.Dim.size", "tensorflow/core/framework/tensor_shape.proto"),
                             ("tensorflow.DataType", "tensorflow/core/framework/types.proto"),
                             ("tensorflow.DT_FLOAT", "tensorflow/core/framework/types.proto"),
                             ("tensorflow.serving.ModelVersionStatus.State", "tensorflow_serving/apis/get_model_status.proto"),
                             ("tensorflow.serving.ModelVersionStatus.AVAILABLE", "tensorflow_serving/apis/get_model_status.proto"),
                             ("google.protobuf.Any", "google/protobuf/any.proto")):
            self.assertEqual(name, talk.files(file_containing_symbol=symbol)[0].name, symbol)
        for symbol in ("", "tensorflow", "tensorflow.serving", "tensorflow.serving.Predict", "tensorflow.serving.PredictRequest.",
                       "tensorflow.DataType.DT_FLOAT", "tensorflow.serving.PredictRequest.output_filter.x", "none"):
            self.assertEqual((5, "Symbol not found."), talk.error(file_containing_symbol=symbol), symbol)
        file = talk.files(file_by_filename="tensorflow_serving/apis/model.proto")
        self.assertEqual(["tensorflow_serving/apis/model.proto", "google/protobuf/wrappers.proto"], [f.name for f in file])
        self.assertEqual((5, "File not found."), talk.error(file_by_filename="model.proto"))
        self.assertEqual((5, "Extension not found."), talk.error(file_containing_extension={"containing_type": "x", "extension_number": 1}))
        self.assertEqual((5, "Type not found."), talk.error(all_extension_numbers_of_type="x"))
        answer = talk.ask(all_extension_numbers_of_type="tensorflow.serving.PredictRequest").all_extension_numbers_response
        self.assertEqual(("tensorflow.serving.PredictRequest", []), (answer.base_type_name, list(answer.extension_number)))
        self.assertEqual(12, talk.error()[0])
        self.assertEqual(([], grpc.StatusCode.OK), talk.end())


class Watch(unittest.TestCase):
    SERVING, NOT_SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"

    @staticmethod
    def watch(server, service):
        call = server.channel.unary_stream("/grpc.health.v1.Health/Watch")
        return call(b"\x0a" + bytes([len(service)]) + service.encode(), timeout=60)

    def test_changes_are_told(self):
        with Base() as base:
            with support.Server("--open_ports_early", model_name="m", model_base_path=base.path) as server:
                whole, model, other = (self.watch(server, service) for service in ("", "m", "other"))
                self.assertEqual([self.NOT_SERVING, self.NOT_SERVING, self.SERVICE_UNKNOWN], [next(whole), next(model), next(other)])
                base.add(1)
                self.assertEqual([self.SERVING, self.SERVING], [next(whole), next(model)])
                base.remove(1)
                self.assertEqual(self.NOT_SERVING, next(model))
                other.cancel()
                with self.assertRaises(grpc.RpcError):
                    next(other)
                server.process.terminate()
                server.process.wait(30)
                with self.assertRaises(grpc.RpcError) as ended:
                    while True:
                        self.assertEqual(self.NOT_SERVING, next(whole))
                self.assertEqual((grpc.StatusCode.UNAVAILABLE, "The server is going down"),
                                 (ended.exception.code(), ended.exception.details()))

    def test_many_watchers_come_and_go(self):
        with support.Server(model_name="m", model_base_path=os.path.join(MODELS, "half_plus_two_tf2")) as server:
            for _ in range(5):
                watchers = [self.watch(server, "m") for _ in range(200)]
                self.assertEqual([self.SERVING] * 200, [next(watcher) for watcher in watchers])
                for watcher in watchers:
                    watcher.cancel()


if __name__ == "__main__":
    unittest.main()
