// A bundle for the emulator written by hand: weights of five layers, used upward and downward, and moments.
#pragma once

#include "HandMadeBundle.h"

namespace mlora::test {

/// Sections:
///   micro_step: h[16] = 2 h + w[l] for layers 0 to 4, then h = 2 h + w[l] for layers 4 to 0
///   update: w[l] += 1 and m[l] += p[l], of all layers in one launch each
///   both: h = 2 h + w[0] and w[1] in one launch
class OffloadedBundle : public HandMadeBundle {
public:
  static constexpr int64_t layers = 5, width = 16;
  static constexpr const char *source = R"(
#include "mlora/Runtime/Emulator/Abi.h"
using namespace mlora::emulator;
static float *at(ThreadContext *t, int parameter, uint32_t flags) {
  uint64_t i = t->registers[uint32_t(SpecialRegister::CtaidX)] * 16 + t->registers[uint32_t(SpecialRegister::TidX)];
  return (float *)t->resolve(t, t->parameters[parameter] + 4 * i, Access::encode(4, 2, flags), 0);
}
extern "C" void layer(ThreadContext *t) {
  float before = *at(t, 1, Access::Read);
  *at(t, 1, Access::Write) = 2 * before + *at(t, 0, Access::Read);
}
extern "C" void both(ThreadContext *t) {
  float before = *at(t, 2, Access::Read);
  *at(t, 2, Access::Write) = 2 * before + *at(t, 0, Access::Read) + *at(t, 1, Access::Read);
}
extern "C" void more(ThreadContext *t) {
  float before = *at(t, 0, Access::Read);
  *at(t, 0, Access::Write) = before + 1;
}
extern "C" void add(ThreadContext *t) {
  float before = *at(t, 1, Access::Read);
  *at(t, 1, Access::Write) = before + *at(t, 0, Access::Read);
}
)";

  OffloadedBundle() : HandMadeBundle("c++ -std=c++20", "kernels.cpp", source, text) {}

private:
  static constexpr const char *text = R"({"format": 3, "kind": "train", "target": "emulate",
    "shared_object": "program.so", "shared_object_xxh3": "", "request": {}, "model": {"layers": 5},
    "arena": {"fixed": 1280, "rows": 64}, "scratch_bytes": 0,
    "emulator": {"static_shared_bytes": 0, "sites": [["llvm.load", "by hand"]], "constants": []},
    "buffers": [
      {"name": "h", "role": "input", "dtype": "f32", "shape": [16], "slot_bytes": 64, "offset": 0},
      {"name": "w", "role": "weight", "dtype": "f32", "shape": [16], "slots": 5, "slot_bytes": 64, "offset": 64,
       "tensor": "model.layers.{layer}.w"},
      {"name": "p", "role": "parameter", "dtype": "f32", "shape": [16], "slots": 5, "slot_bytes": 64, "offset": 384},
      {"name": "m", "role": "moment1", "dtype": "f32", "shape": [16], "slots": 5, "slot_bytes": 64, "offset": 704, "of": 2},
      {"name": "out", "role": "output", "dtype": "f32", "shape": [16], "slot_bytes": 64, "offset": 1024},
      {"name": "norm", "role": "weight", "dtype": "f32", "shape": [16], "slot_bytes": 64, "offset": 1088, "tensor": "model.norm"},
      {"name": "x", "role": "residual", "dtype": "f32", "shape": ["rows", 16], "region": "rows", "slot_bytes": 64, "offset": 0}],
    "kernels": [
      {"name": "layer", "symbol": "layer", "grid": [{"extent": 1, "block": 1}], "threads": 16},
      {"name": "more", "symbol": "more", "grid": [{"extent": 5, "block": 1}], "threads": 16},
      {"name": "add", "symbol": "add", "grid": [{"extent": 5, "block": 1}], "threads": 16},
      {"name": "both", "symbol": "both", "grid": [{"extent": 1, "block": 1}], "threads": 16}],
    "sections": [
      {"name": "micro_step", "commands": [
        {"layers": {"from": 0, "to": 5, "step": 1}, "body": [{"launch": 0, "args": [{"buffer": 1, "layer": 1}, {"buffer": 4}]}]},
        {"launch": 0, "args": [{"buffer": 5}, {"buffer": 4}]},
        {"layers": {"from": 4, "to": 0, "step": -1}, "body": [{"launch": 0, "args": [{"buffer": 1, "layer": 1}, {"buffer": 4}]}]}]},
      {"name": "update", "commands": [
        {"launch": 1, "args": [{"buffer": 1, "all": true}]},
        {"launch": 2, "args": [{"buffer": 2, "all": true}, {"buffer": 3, "all": true}]}]}],
    "parameters": [{"name": "layers.{layer}.A", "buffer": 2, "offset": 0, "shape": [16], "strides": [1]}]})";
};

} // namespace mlora::test
