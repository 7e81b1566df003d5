// A bundle written by hand: kernels in C, compiled by `cc -shared`, and a manifest that the tests change.
#pragma once

#include "HandMadeBundle.h"

namespace mlora::test {

/// Sections of a program of three layers and width 8:
///   micro_step: h[0] = ids; h[l + 1] = h[l] + w[l] upward; g[l] += column sums downward; loss = sum of h[3]
///   norm, update: p -= rate * scale * g, with moments; matmul: y = h[0] * W
class TestBundle : public HandMadeBundle {
public:
  static constexpr const char *source = R"(
#include "mlora/Runtime/Program/Kernel.h"
#include <string.h>
#include <math.h>
void embed(int64_t block, void *const *b, const int64_t *s, void *scratch) {
  const int *ids = b[0]; float *h = b[1];
  int64_t end = block * 4 + 4 < s[0] ? block * 4 + 4 : s[0];
  for (int64_t i = block * 4; i < end; ++i)
    for (int j = 0; j < 8; ++j) h[i * 8 + j] = (float)ids[i] + 0.125f * j;
}
/* Two dimensions: 4 rows by 2 columns. The sum goes through scratch, to see that it is private. */
void add(int64_t block, void *const *b, const int64_t *s, void *scratch) {
  const float *h = b[0], *w = b[1]; float *out = b[2], *t = scratch;
  int64_t r = block / 4, c = block % 4, end = r * 4 + 4 < s[0] ? r * 4 + 4 : s[0];
  for (int64_t i = r * 4; i < end; ++i) {
    for (int j = 0; j < 2; ++j) t[j] = h[i * 8 + c * 2 + j] * 1.0001f;
    for (int j = 0; j < 2; ++j) out[i * 8 + c * 2 + j] = t[j] + w[c * 2 + j];
  }
}
void columns(int64_t block, void *const *b, const int64_t *s, void *scratch) {
  const float *h = b[0]; float *g = b[1], sum = s[3] ? g[block] : 0;
  for (int64_t i = 0; i < s[0]; ++i) sum += h[i * 8 + block];
  g[block] = sum;
}
void total(int64_t block, void *const *b, const int64_t *s, void *scratch) {
  const float *h = b[0]; float *loss = b[1], sum = 0;
  for (int64_t i = 0; i < s[0] * 8; ++i) sum += h[i];
  *loss = sum;
}
void order(int64_t block, void *const *b, const int64_t *s, void *scratch) {
  const float *w = b[0]; float *loss = b[1];
  *loss = *loss * 10 + w[0];
}
void matmul(int64_t block, void *const *b, const int64_t *s, void *scratch) {
  const float *h = b[0], *w = b[1]; float *y = b[2];
  for (int64_t i = 0; i < s[0]; ++i)
    for (int j = 0; j < 8; ++j) {
      y[i * 8 + j] = 0;
      for (int l = 0; l < 8; ++l) y[i * 8 + j] += h[i * 8 + l] * w[l * 8 + j];
    }
}
)";

  TestBundle() : HandMadeBundle("cc", "kernels.c", source, text) {}

private:
  static constexpr const char *text = R"({"format": 3, "kind": "train", "compiler": "by hand", "cpu": "any",
    "shared_object": "program.so", "shared_object_xxh3": "", "request": {}, "model": {"layers": 3},
    "arena": {"fixed": 1792, "rows": 164}, "scratch_bytes": 64,
    "buffers": [
      {"name": "input_ids", "role": "input", "dtype": "i32", "shape": ["rows"], "region": "rows", "slot_bytes": 4, "offset": 0},
      {"name": "h", "role": "residual", "dtype": "f32", "shape": ["rows", 8], "slots": 4, "region": "rows", "slot_bytes": 32, "offset": 4},
      {"name": "w", "role": "weight", "dtype": "f32", "shape": [8], "slots": 3, "slot_bytes": 64, "offset": 0,
       "tensor": "model.layers.{layer}.w"},
      {"name": "p", "role": "parameter", "dtype": "f32", "shape": [4, 8], "slots": 3, "slot_bytes": 128, "offset": 256},
      {"name": "m", "role": "moment1", "dtype": "f32", "shape": [4, 8], "slots": 3, "slot_bytes": 128, "offset": 768, "of": 3},
      {"name": "g", "role": "temporary", "dtype": "f32", "shape": [8], "slots": 3, "slot_bytes": 32, "offset": 1280},
      {"name": "loss", "role": "output", "dtype": "f32", "shape": [1], "slot_bytes": 64, "offset": 1408},
      {"name": "y", "role": "output", "dtype": "f32", "shape": ["rows", 8], "region": "rows", "slot_bytes": 32, "offset": 132},
      {"name": "W", "role": "input", "dtype": "f32", "shape": [8, 8], "slot_bytes": 256, "offset": 1536}],
    "kernels": [
      {"name": "embed", "symbol": "embed", "grid": [{"extent": "rows", "block": 4}], "flops_per_row": 8},
      {"name": "add", "symbol": "add", "grid": [{"extent": "rows", "block": 4}, {"extent": 8, "block": 2}], "flops_per_row": 16},
      {"name": "columns", "symbol": "columns", "grid": [{"extent": 8, "block": 1}]},
      {"name": "total", "symbol": "total", "grid": []},
      {"name": "order", "symbol": "order", "grid": []},
      {"name": "matmul", "symbol": "matmul", "grid": []}],
    "sections": [
      {"name": "micro_step", "commands": [
        {"launch": 0, "args": [{"buffer": 0}, {"buffer": 1}]},
        {"layers": {"from": 0, "to": 3, "step": 1}, "body": [
          {"launch": 1, "args": [{"buffer": 1, "layer": 1}, {"buffer": 2, "layer": 1}, {"buffer": 1, "layer": 1, "plus": 1}]}]},
        {"layers": {"from": 2, "to": 0, "step": -1}, "body": [
          {"launch": 2, "args": [{"buffer": 1, "layer": 1, "plus": 1}, {"buffer": 5, "layer": 1}]}]},
        {"launch": 3, "args": [{"buffer": 1, "slot": 3}, {"buffer": 6}]}]},
      {"name": "upward", "commands": [{"layers": {"from": 0, "to": 3, "step": 1}, "body": [
          {"launch": 4, "args": [{"buffer": 2, "layer": 1}, {"buffer": 6}]}]}]},
      {"name": "downward", "commands": [{"layers": {"from": 2, "to": 0, "step": -1}, "body": [
          {"launch": 4, "args": [{"buffer": 2, "layer": 1}, {"buffer": 6}]}]}]},
      {"name": "around", "commands": [{"layers": {"from": 0, "to": 3, "step": 1}, "body": [
          {"launch": 4, "args": [{"buffer": 2, "layer": -1, "plus": 5}, {"buffer": 6}]}]}]},
      {"name": "matmul", "commands": [{"launch": 5, "args": [{"buffer": 1}, {"buffer": 8}, {"buffer": 7}]}]}],
    "parameters": [
      {"name": "layers.{layer}.A", "buffer": 3, "offset": 0, "shape": [4, 3], "strides": [8, 1]},
      {"name": "layers.{layer}.B", "buffer": 3, "offset": 3, "shape": [3, 4], "strides": [1, 8]},
      {"name": "layers.{layer}.s", "buffer": 3, "offset": 6, "shape": [4], "strides": [8]}]})";
};

} // namespace mlora::test
