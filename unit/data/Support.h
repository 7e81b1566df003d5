// What the tests of data share: a tokenizer that is easy to read, and files that go away.
#pragma once

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Data/BatchStream.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace mlora::test {

/// A token a byte, but "ab" is one token (256): it may lie across a boundary of prompt and completion.
class ByteTokenizer : public Tokenizer {
public:
  static constexpr int32_t abToken = 256, bosToken = 257, eosToken = 258;
  bool beginsWithBos = false, hasEos = true;

  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < text.size(); ++i)
      if (text.substr(i, 2) == "ab")
        ids.push_back(abToken), ++i;
      else if (text.substr(i, 3) == "<s>")
        ids.push_back(bosToken), i += 2;
      else if (text.substr(i, 4) == "</s>")
        ids.push_back(eosToken), i += 3;
      else
        ids.push_back(uint8_t(text[i]));
    return ids;
  }
  std::string decode(std::span<const int32_t> ids, bool) const override {
    std::string text;
    for (int32_t id : ids)
      text += piece(id);
    return text;
  }
  std::string piece(int32_t id) const override {
    return id < 256 ? std::string(1, char(id)) : id == abToken ? "ab" : id == bosToken ? "<s>" : "</s>";
  }
  int64_t vocabSize() const override { return 259; }
  std::optional<int32_t> bos() const override { return bosToken; }
  std::optional<int32_t> eos() const override {
    return hasEos ? std::optional<int32_t>(eosToken) : std::nullopt;
  }
  bool addsBos() const override { return beginsWithBos; }
  std::string jinja = {};
  std::string chatTemplate() const override { return jinja; }
  std::vector<std::pair<std::string, std::string>> files() const override { return {}; }
};

/// A folder for one test, removed with it.
class DataTest : public testing::Test {
protected:
  DataTest() {
    std::string name = std::filesystem::temp_directory_path() / "mlora-data-XXXXXX";
    folder = mkdtemp(name.data());
  }
  ~DataTest() override { std::filesystem::remove_all(folder); }

  std::string write(const std::string &name, const std::string &text) const {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << text;
    return folder / name;
  }

  /// A configuration that keeps the order of rows and gives each a sequence of its own.
  static TrainConfig plain(const std::vector<std::string> &paths) {
    TrainConfig config;
    for (const std::string &path : paths)
      config.datasets.push_back({.path = path});
    config.packing = config.shuffle = false;
    config.epochs = 1;
    return config;
  }

  BatchStream stream(const TrainConfig &config, int64_t vocabSize = 0, Shard shard = {}) const {
    return BatchStream(config, source, vocabSize, shard);
  }

  /// The only sequence that one row becomes.
  MicroBatch only(const std::string &row, TrainConfig config = plain({})) const {
    config.datasets = {{.path = write("only.jsonl", row + "\n")}};
    return stream(config).step(0).at(0);
  }

  /// The text that counts: tokens whose labels are not ignored.
  std::string trained(const MicroBatch &batch) const { return textOf(batch, true); }
  /// The text that does not.
  std::string read(const MicroBatch &batch) const { return textOf(batch, false); }

  /// The message of the error that the configuration's data gives; empty when it gives none.
  std::string complaint(const TrainConfig &config, int64_t vocabSize = 0) const {
    try {
      stream(config, vocabSize);
      return "";
    } catch (const Error &error) {
      EXPECT_EQ(error.status, Status::BadInput);
      return error.what();
    }
  }

  std::filesystem::path folder;
  ByteTokenizer tokenizer;
  mutable TokenizerSource source{tokenizer}; ///< outlives the streams

private:
  std::string textOf(const MicroBatch &batch, bool counted) const {
    std::string text;
    for (size_t row = 0; row < batch.inputIds.size(); ++row)
      for (size_t t = 0; t < batch.inputIds[row].size(); ++t)
        if ((batch.labels[row][t] != ignoredLabel) == counted)
          text += tokenizer.piece(batch.inputIds[row][t]);
    return text;
  }
};

} // namespace mlora::test
