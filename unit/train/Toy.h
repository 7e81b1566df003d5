// A toy that `train` can train without the compiler: a checkpoint of two layers, tokenised rows, and a
// "compiler" that hands out a bundle of kernels written in C. The loss of a label t is the sum over all
// adapter elements p of (p - t/16)^2 / 2, so gradient, norm and update are easy; labels of 15 make it
// infinite.
#pragma once

#include "../TempFolder.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Hash.h"
#include "mlora/Runtime/Core/Json.h"
#include "mlora/Runtime/Model/Safetensors.h"

#include <cstdlib>
#include <sys/stat.h>
#include <sys/wait.h>

namespace mlora::test {

class Toy {
public:
  static constexpr int hidden = 4, layers = 2;

  Toy() {
    writeModel("model", 1);
    writeCompiler();
    std::string rows;
    for (int row = 0; row < 24; ++row) {
      nlohmann::json ids, labels;
      for (int t = 0; t < 5 + row % 4; ++t) {
        ids.push_back((row * 7 + t * 3) % 14);
        labels.push_back(t == 0 ? -100 : ids.back().get<int>());
      }
      rows += nlohmann::json{{"input_ids", ids}, {"labels", labels}}.dump() + "\n";
    }
    folder.file("rows.jsonl", rows);
    folder.file("bad.jsonl", R"({"input_ids": [1, 15, 3], "labels": [-100, 15, 3]})");
  }

  /// A checkpoint whose values depend on `salt`.
  void writeModel(const std::string &name, float salt) {
    folder.file(name + "/config.json",
                R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 16,
      "hidden_size": 4, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1,
      "num_key_value_heads": 1, "hidden_act": "silu", "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
      "tie_word_embeddings": true, "torch_dtype": "float32"})");
    std::vector<SafetensorsValue> values;
    std::vector<float> data(16 * 8, salt);
    auto add = [&](const std::string &tensor, std::vector<int64_t> shape) {
      values.push_back({{tensor, "F32", std::move(shape)}, data.data()});
    };
    add("model.embed_tokens.weight", {16, 4});
    add("model.norm.weight", {4});
    for (int layer = 0; layer < layers; ++layer) {
      std::string prefix = "model.layers." + std::to_string(layer) + ".";
      for (const char *norm : {"input_layernorm", "post_attention_layernorm"})
        add(prefix + norm + ".weight", {4});
      for (const char *projection : {"q", "k", "v", "o"})
        add(prefix + "self_attn." + projection + "_proj.weight", {4, 4});
      add(prefix + "mlp.gate_proj.weight", {8, 4});
      add(prefix + "mlp.up_proj.weight", {8, 4});
      add(prefix + "mlp.down_proj.weight", {4, 8});
    }
    writeSafetensors(folder / name / "model.safetensors", std::move(values));
  }

  /// Runs `mlora-run` with words; gives the exit status and what it wrote.
  struct Result {
    int status;
    std::string out, err;
  };
  /// `from`: the folder that it runs in, below the toy's.
  std::string command(const std::string &words, const std::string &from = "") const {
    return "cd '" + (folder / from).string() + "' && MLORA_OPT='" + (folder / "compiler").string() +
           "' MLORA_CACHE='" + (folder / "cache").string() + "' exec " MLORA_BIN "/mlora-run " + words +
           " >'" + (folder / "out.txt").string() + "' 2>'" + (folder / "err.txt").string() + "'";
  }
  Result run(const std::string &words, const std::string &from = "") const {
    int status = std::system(command(words, from).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), readFile(folder / "out.txt"),
            readFile(folder / "err.txt")};
  }

  /// The words of `train` that every test shares.
  static std::string train(const std::string &output, const std::string &more = "") {
    return "train model=model datasets=rows.jsonl method=multilora num_branches=1 lora_r=1 "
           "lora_target_modules=q_proj max_length=16 learning_rate=0.05 num_threads=2 output_dir=" +
           output + " " + more;
  }

  std::string bytes(const std::string &path) const { return readFile(folder / path); }
  TempFolder folder;

private:
  static constexpr const char *source = R"(
#include "mlora/Runtime/Program/Kernel.h"
#include <math.h>
#include <unistd.h>
typedef void *const *B; typedef const int64_t *S;
void zero(int64_t k, B b, S s, void *t) { *(float *)b[0] = 0; }
void root(int64_t k, B b, S s, void *t) { *(float *)b[0] = sqrtf(*(float *)b[0]); }
void loss(int64_t k, B b, S s, void *t) {
  const int *targets = b[0]; const float *p = b[1]; float *sum = b[2];
  for (int64_t i = 0; i < s[1]; ++i)
    for (int e = 0; e < 12; ++e)
      *sum += s[1] == 2 && targets[0] == 15 ? INFINITY : 0.5f * (p[e] - targets[i] / 16.0f) * (p[e] - targets[i] / 16.0f);
}
void gradient(int64_t e, B b, S s, void *t) {
  const int *targets = b[0]; const float *p = b[1]; float *g = b[2], sum = s[3] ? g[e] : 0;
  for (int64_t i = 0; i < s[1]; ++i) sum += p[e] - targets[i] / 16.0f;
  g[e] = sum;
  if (e == 0) usleep(500);
}
void square(int64_t k, B b, S s, void *t) {
  const float *g = b[0]; float *norm = b[1];
  for (int e = 0; e < 12; ++e) *norm += g[e] * g[e];
}
void adamw(int64_t e, B b, S s, void *t) {
  const float *g = b[0], *h = b[4]; float *p = b[1], *m = b[2], *v = b[3], d = g[e] * h[7];
  m[e] = h[1] * m[e] + (1 - h[1]) * d;
  v[e] = h[2] * v[e] + (1 - h[2]) * d * d;
  p[e] = p[e] * (1 - h[0] * h[4]) - h[0] * (m[e] / h[5]) / (sqrtf(v[e] / h[6]) + h[3]);
}
)";

  static constexpr const char *manifest = R"({"format": 3, "kind": "train", "shared_object": "program.so",
    "shared_object_xxh3": "", "arena": {"fixed": 832, "rows": 20}, "scratch_bytes": 0,
    "buffers": [
      {"name": "input_ids", "role": "input", "dtype": "i32", "shape": ["rows"], "region": "rows", "slot_bytes": 4, "offset": 0},
      {"name": "position_ids", "role": "input", "dtype": "i32", "shape": ["rows"], "region": "rows", "slot_bytes": 4, "offset": 4},
      {"name": "document_start", "role": "input", "dtype": "i32", "shape": ["rows"], "region": "rows", "slot_bytes": 4, "offset": 8},
      {"name": "counted", "role": "input", "dtype": "i32", "shape": ["counted_rows"], "region": "rows", "slot_bytes": 4, "offset": 12},
      {"name": "targets", "role": "input", "dtype": "i32", "shape": ["counted_rows"], "region": "rows", "slot_bytes": 4, "offset": 16},
      {"name": "hyper", "role": "input", "dtype": "f32", "shape": [8], "slot_bytes": 64, "offset": 0},
      {"name": "p", "role": "parameter", "dtype": "f32", "shape": [12], "slots": 2, "slot_bytes": 64, "offset": 64},
      {"name": "g", "role": "gradient", "dtype": "f32", "shape": [12], "slots": 2, "slot_bytes": 64, "offset": 192, "of": 6},
      {"name": "m", "role": "moment1", "dtype": "f32", "shape": [12], "slots": 2, "slot_bytes": 64, "offset": 320, "of": 6},
      {"name": "v", "role": "moment2", "dtype": "f32", "shape": [12], "slots": 2, "slot_bytes": 64, "offset": 448, "of": 6},
      {"name": "loss", "role": "output", "dtype": "f32", "shape": [1], "slot_bytes": 64, "offset": 576},
      {"name": "norm", "role": "output", "dtype": "f32", "shape": [1], "slot_bytes": 64, "offset": 640},
      {"name": "w", "role": "weight", "dtype": "f32", "shape": [4], "slots": 2, "slot_bytes": 64, "offset": 704,
       "tensor": "model.layers.{layer}.input_layernorm.weight"}],
    "kernels": [
      {"name": "zero", "symbol": "zero", "grid": []}, {"name": "root", "symbol": "root", "grid": []},
      {"name": "loss", "symbol": "loss", "grid": []},
      {"name": "gradient", "symbol": "gradient", "grid": [{"extent": 12, "block": 1}]},
      {"name": "square", "symbol": "square", "grid": []},
      {"name": "adamw", "symbol": "adamw", "grid": [{"extent": 12, "block": 1}]}],
    "sections": [
      {"name": "micro_step", "commands": [{"launch": 0, "args": [{"buffer": 10}]},
        {"layers": {"from": 0, "to": 2, "step": 1}, "body": [
          {"launch": 2, "args": [{"buffer": 4}, {"buffer": 6, "layer": 1}, {"buffer": 10}]}]},
        {"layers": {"from": 1, "to": 0, "step": -1}, "body": [
          {"launch": 3, "args": [{"buffer": 4}, {"buffer": 6, "layer": 1}, {"buffer": 7, "layer": 1}]}]}]},
      {"name": "score", "commands": [{"launch": 0, "args": [{"buffer": 10}]},
        {"layers": {"from": 0, "to": 2, "step": 1}, "body": [
          {"launch": 2, "args": [{"buffer": 4}, {"buffer": 6, "layer": 1}, {"buffer": 10}]}]}]},
      {"name": "norm", "commands": [{"launch": 0, "args": [{"buffer": 11}]},
        {"layers": {"from": 0, "to": 2, "step": 1}, "body": [{"launch": 4, "args": [{"buffer": 7, "layer": 1}, {"buffer": 11}]}]},
        {"launch": 1, "args": [{"buffer": 11}]}]},
      {"name": "update", "commands": [{"layers": {"from": 0, "to": 2, "step": 1}, "body": [
          {"launch": 5, "args": [{"buffer": 7, "layer": 1}, {"buffer": 6, "layer": 1}, {"buffer": 8, "layer": 1},
            {"buffer": 9, "layer": 1}, {"buffer": 5}]}]}]}],
    "parameters": [
      {"name": "layers.{layer}.q_proj.branch.0.A", "buffer": 6, "offset": 0, "shape": [1, 4], "strides": [4, 1]},
      {"name": "layers.{layer}.q_proj.branch.0.B", "buffer": 6, "offset": 4, "shape": [4, 1], "strides": [1, 4]},
      {"name": "layers.{layer}.q_proj.branch.0.s", "buffer": 6, "offset": 8, "shape": [4], "strides": [1]}]})";

  void writeCompiler() {
    folder.file("kernels.c", source);
    std::string cc = std::string("cc -shared -fPIC -O1 -I" MLORA_SOURCE "/include -o ") +
                     (folder / "program.so").string() + " " + (folder / "kernels.c").string() + " -lm";
    if (std::system(cc.c_str()) != 0)
      throw std::runtime_error("cc failed");
    nlohmann::json json = parseJson(manifest, "manifest");
    json["shared_object_xxh3"] = hashFileHex(folder / "program.so");
    folder.file("manifest.json", json.dump());
    folder.file("compiler", "#!/bin/sh\nout=${2#--mlora-bundle=}\ncp '" +
                                (folder / "manifest.json").string() + "' '" +
                                (folder / "program.so").string() + "' \"$out\"\n");
    chmod((folder / "compiler").c_str(), 0755);
  }
};

} // namespace mlora::test
