// A bundle for the emulator written by hand, with a loop over chunks of counted rows.
#pragma once

#include "EmulatorSource.h"
#include "HandMadeBundle.h"

namespace mlora::test {

/// Section `chunks`, in chunks of 16 rows:
///   z[chunk, 4] = x[counted_rows, 4], where a block has a row; then y = z + 100 · the chunk's rows, and
///   sum (+)= the chunk's rows; p[counted_rows, 6] = x w[4, 6], by a library
class ChunkedBundle : public HandMadeBundle {
public:
  static constexpr const char *source = R"(
static float *real(ThreadContext *t, int parameter, uint64_t i, uint32_t flags) {
  return (float *)at(t, t->parameters[parameter] + 4 * i, 4, flags);
}
static int64_t scalar(ThreadContext *t, int scalars, int index) {
  return *(int64_t *)at(t, t->parameters[scalars] + 8 * index, 8, Access::Read);
}
extern "C" void take(ThreadContext *t) {
  uint64_t i = get(t, SpecialRegister::CtaidX) * 4 + get(t, SpecialRegister::TidX);
  *real(t, 1, i, Access::Write) = *real(t, 0, i, Access::Read);
}
extern "C" void give(ThreadContext *t) {
  uint64_t i = get(t, SpecialRegister::CtaidX) * 4 + get(t, SpecialRegister::TidX);
  *real(t, 1, i, Access::Write) = *real(t, 0, i, Access::Read) + 100 * float(scalar(t, 2, 1));
}
extern "C" void count(ThreadContext *t) {
  float before = scalar(t, 1, 3) ? *real(t, 0, 0, Access::Read) : 0;
  *real(t, 0, 0, Access::Write) = before + float(scalar(t, 1, 1));
}
)";

  ChunkedBundle() : HandMadeBundle("c++ -std=c++20", "kernels.cpp", emulatorSource(source), text) {}

private:
  static constexpr const char *text = R"({"format": 3, "kind": "train", "target": "emulate",
    "shared_object": "program.so", "shared_object_xxh3": "", "request": {}, "model": {"layers": 1},
    "chunk_rows": 16, "arena": {"fixed": 192, "counted_rows": 56, "chunk_rows": 16}, "scratch_bytes": 0,
    "emulator": {"static_shared_bytes": 0, "sites": [["llvm.load", "by hand"]], "constants": []},
    "buffers": [
      {"name": "x", "role": "input", "dtype": "f32", "shape": ["counted_rows", 4], "region": "counted_rows", "slot_bytes": 16, "offset": 0},
      {"name": "z", "role": "temporary", "dtype": "f32", "shape": ["counted_rows", 4], "region": "chunk_rows", "slot_bytes": 16, "offset": 0},
      {"name": "y", "role": "output", "dtype": "f32", "shape": ["counted_rows", 4], "region": "counted_rows", "slot_bytes": 16, "offset": 16},
      {"name": "p", "role": "output", "dtype": "f32", "shape": ["counted_rows", 6], "region": "counted_rows", "slot_bytes": 24, "offset": 32},
      {"name": "w", "role": "residual", "dtype": "f32", "shape": [4, 6], "slot_bytes": 96, "offset": 0},
      {"name": "sum", "role": "output", "dtype": "f32", "shape": [1], "slot_bytes": 4, "offset": 128}],
    "kernels": [
      {"name": "take", "symbol": "take", "grid": [{"extent": "counted_rows", "block": 1}], "threads": 4},
      {"name": "give", "symbol": "give", "grid": [{"extent": "counted_rows", "block": 1}], "threads": 4},
      {"name": "count", "symbol": "count", "grid": [{"extent": 1, "block": 1}], "threads": 1},
      {"name": "project", "library": {"m": {"extent": "counted_rows"}, "n": 6, "k": 4, "dtype": "f32", "lda": 4, "ldw": 6, "ldy": 6, "transposed": true}}],
    "sections": [
      {"name": "chunks", "commands": [
        {"chunks": "counted_rows", "body": [
          {"launch": 0, "args": [{"buffer": 0}, {"buffer": 1}]},
          {"launch": 1, "args": [{"buffer": 1}, {"buffer": 2}]},
          {"launch": 2, "args": [{"buffer": 5}]},
          {"launch": 3, "args": [{"buffer": 0}, {"buffer": 4}, {"buffer": 3}]}]}]},
      {"name": "whole", "commands": [{"launch": 1, "args": [{"buffer": 0}, {"buffer": 2}]}]}]})";
};

} // namespace mlora::test
