// A bundle for the emulator written by hand: kernels in C, as the compiler makes them for it, with every
// access asked for.
#pragma once

#include "EmulatorSource.h"
#include "HandMadeBundle.h"

namespace mlora::test {

/// Sections:
///   scale: h[rows, 8] = 2 x[rows, 8] + accumulate, a block of 4 rows, an element a thread
///   products: y[rows, 6] = h w[0]ᵀ, z[rows, 8] = y w'[1], both by a library
///   strange: the first kernel told to write into z, which has fewer columns than it thinks (a fault)
/// The kernel `describe`, which no section launches, writes down what its tensor map says.
class EmulatedBundle : public HandMadeBundle {
public:
  static constexpr const char *source = R"(
extern "C" void scale(ThreadContext *t) {
  uint64_t i = get(t, SpecialRegister::CtaidX) * 32 + get(t, SpecialRegister::TidX);
  int64_t rows = *(int64_t *)at(t, t->parameters[2], 8, Access::Read);
  int64_t accumulate = *(int64_t *)at(t, t->parameters[2] + 24, 8, Access::Read);
  float *scratch = (float *)at(t, t->parameters[3] + 4 * i, 4, Access::Read | Access::Write);
  if (int64_t(i) >= 8 * rows)
    return;
  *scratch = *(float *)at(t, t->parameters[0] + 4 * i, 4, Access::Read);
  *(float *)at(t, t->parameters[1] + 4 * i, 4, Access::Write) = 2 * *scratch + float(accumulate);
}
extern "C" void describe(ThreadContext *t) {
  const TensorMap *map = (const TensorMap *)t->parameters[4];
  float values[] = {float(map->magic == TensorMap::kMagic), float(map->address == t->parameters[0]),
                    float(map->elementBytes), float(map->swizzle), float(map->sizes[0]), float(map->sizes[1]),
                    float(map->strides[0]), float(map->box[0]), float(map->box[1])};
  for (uint64_t i = 0; i < 9; ++i)
    *(float *)at(t, t->parameters[1] + 4 * i, 4, Access::Write) = values[i];
}
)";

  EmulatedBundle() : HandMadeBundle("c++ -std=c++20", "kernels.cpp", emulatorSource(source), text) {}

private:
  static constexpr const char *text = R"({"format": 3, "kind": "train", "target": "emulate",
    "shared_object": "program.so", "shared_object_xxh3": "", "request": {}, "model": {"layers": 2},
    "arena": {"fixed": 1024, "rows": 128}, "scratch_bytes": 0,
    "emulator": {"static_shared_bytes": 0, "sites": [["llvm.load", "by hand"]], "constants": [{"name": "table", "bytes": "00010203"}]},
    "buffers": [
      {"name": "x", "role": "input", "dtype": "f32", "shape": ["rows", 8], "region": "rows", "slot_bytes": 32, "offset": 0},
      {"name": "h", "role": "residual", "dtype": "f32", "shape": ["rows", 8], "region": "rows", "slot_bytes": 32, "offset": 32},
      {"name": "y", "role": "output", "dtype": "f32", "shape": ["rows", 6], "region": "rows", "slot_bytes": 24, "offset": 64},
      {"name": "z", "role": "output", "dtype": "f32", "shape": ["rows", 8], "region": "rows", "slot_bytes": 32, "offset": 96},
      {"name": "w", "role": "weight", "dtype": "f32", "shape": [6, 8], "slots": 2, "slot_bytes": 192, "offset": 0,
       "tensor": "model.layers.{layer}.w"},
      {"name": "p", "role": "parameter", "dtype": "f32", "shape": [4, 8], "slots": 2, "slot_bytes": 128, "offset": 384},
      {"name": "m", "role": "moment1", "dtype": "f32", "shape": [4, 8], "slots": 2, "slot_bytes": 128, "offset": 640, "of": 5}],
    "kernels": [
      {"name": "scale.rows", "symbol": "scale", "grid": [{"extent": "rows", "block": 4}], "threads": 32, "scratch_bytes": 128},
      {"name": "project", "library": {"m": {"extent": "rows"}, "n": 6, "k": 8, "dtype": "f32", "lda": 8, "ldw": 8, "ldy": 6}},
      {"name": "back", "library": {"m": {"extent": "rows"}, "n": 8, "k": 6, "dtype": "f32", "lda": 6, "ldw": 8, "ldy": 8, "transposed": true}}],
    "sections": [
      {"name": "scale", "commands": [{"launch": 0, "args": [{"buffer": 0}, {"buffer": 1}]}]},
      {"name": "products", "commands": [
        {"launch": 1, "args": [{"buffer": 1}, {"buffer": 4}, {"buffer": 2}]},
        {"launch": 2, "args": [{"buffer": 2}, {"buffer": 4, "slot": 1}, {"buffer": 3}]}]},
      {"name": "strange", "commands": [{"launch": 0, "args": [{"buffer": 0}, {"buffer": 2}]}]}],
    "parameters": [
      {"name": "layers.{layer}.A", "buffer": 5, "offset": 0, "shape": [4, 3], "strides": [8, 1]},
      {"name": "layers.{layer}.B", "buffer": 5, "offset": 3, "shape": [3, 4], "strides": [1, 8]}]})";
};

} // namespace mlora::test
