#include "mlora/Runtime/Model/Safetensors.h"
#include "../Expect.h"
#include "../TempFolder.h"

#include <random>

using namespace mlora;
using mlora::test::TempFolder;

namespace {

std::string little64(uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

/// Opens a file of that header and so many bytes of data.
void open(const std::string &header, size_t data, std::optional<uint64_t> length = {}) {
  TempFolder folder;
  SafetensorsFile(folder.file("m.safetensors",
                              little64(length.value_or(header.size())) + header + std::string(data, 'x')));
}

const std::string two =
    R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";

} // namespace

TEST(Safetensors, ReadsWhatIsRight) {
  open("{}", 0);
  open("{}   ", 0);
  open(R"({"__metadata__":{"a":"b"}})", 0);
  open(two, 12);
  open(
      R"({"e":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]},"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]}})",
      8);
}

TEST(Safetensors, RefusesLies) {
  TempFolder folder;
  EXPECT_REFUSED(SafetensorsFile(folder.file("m", "1234567")), "fewer than the 8");
  EXPECT_REFUSED(SafetensorsFile(folder.file("m", "")), "fewer than the 8");
  EXPECT_REFUSED(open("{}", 0, 3), "truncated", "needs 3 bytes");
  EXPECT_REFUSED(open("{}", 0, UINT64_MAX), "at most 100000000");
  EXPECT_REFUSED(open("{}", 0, 100'000'001), "at most 100000000");
  EXPECT_REFUSED(open("", 8), "does not begin with '{'");
  EXPECT_REFUSED(open(" {}", 0), "does not begin with '{'");
  EXPECT_REFUSED(open("{}\n", 0), "does not end");
  EXPECT_REFUSED(open("{", 0), "m.safetensors");
  EXPECT_REFUSED(open("{\"\xff\":1}", 0), "not valid JSON");
  EXPECT_REFUSED(open(R"({"__metadata__":{"a":1}})", 0), "__metadata__", "a string is expected");
  EXPECT_REFUSED(open(R"({"__metadata__":[]})", 0), "an object is expected");
  EXPECT_REFUSED(open(R"({"a":1})", 0), "tensor 'a'", "an object is expected");
  EXPECT_REFUSED(open(two, 11), "truncated", "12 bytes");
  EXPECT_REFUSED(open(two, 13), "1 bytes behind the last tensor");
  auto one = [](const std::string &dtype, const std::string &shape, const std::string &offsets) {
    return "{\"t\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
  };
  open(one("\"F32\"", "[2]", "[0,8]"), 8);
  EXPECT_REFUSED(open(one("\"F33\"", "[2]", "[0,8]"), 8), "tensor 't'", "'F33' is unknown");
  EXPECT_REFUSED(open(one("\"F32\"", "[3]", "[0,8]"), 8), "cover 8 bytes", "[3] has 12");
  EXPECT_REFUSED(open(one("\"F32\"", "[-2]", "[0,8]"), 8), "a size is expected");
  EXPECT_REFUSED(open(one("\"F32\"", "[2.0]", "[0,8]"), 8), "a size is expected");
  EXPECT_REFUSED(open(one("\"F32\"", "2", "[0,8]"), 8), "a list of sizes");
  EXPECT_REFUSED(open(one("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0), "larger than 64 bits");
  EXPECT_REFUSED(open(one("\"F32\"", "[4611686018427387904]", "[0,0]"), 0), "larger than 64 bits");
  EXPECT_REFUSED(open(one("\"F32\"", "[18446744073709551616]", "[0,0]"), 0), "a size is expected");
  EXPECT_REFUSED(open(one("\"F32\"", "[2]", "[8,0]"), 8), "an end not before it");
  EXPECT_REFUSED(open(one("\"F32\"", "[2]", "[0]"), 8), "data_offsets");
  EXPECT_REFUSED(open(one("\"F32\"", "[2]", "[4,12]"), 12), "leaving a gap");
  EXPECT_REFUSED(open(R"({"t":{"dtype":"F32","shape":[1]}})", 4), "data_offsets");
  EXPECT_REFUSED(open(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", 1),
                 "\"x\": is unknown");
  EXPECT_REFUSED(
      open(
          R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
          3),
      "tensor 'b'", "inside the one before");
  EXPECT_REFUSED(
      open(
          R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
          4),
      "\"a\" is there twice");
  EXPECT_REFUSED(open(R"({"a":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2),
                 "there twice");
}

TEST(Safetensors, WriterIsReproducible) {
  TempFolder folder;
  float f[3] = {1, 2, 3};
  uint8_t b[2] = {7, 8};
  auto path = folder / "m.safetensors";
  std::vector<SafetensorsValue> values = {
      {{"b", "U8", {2}}, b}, {{"z", "F32", {3, 1}}, f}, {{"a", "F32", {}}, f + 2}};
  writeSafetensors(path, values);
  std::string first = readFile(path);
  std::swap(values[0], values[2]);
  writeSafetensors(path, values);
  EXPECT_EQ(readFile(path), first);
  SafetensorsFile file(path);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.floats("z"), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(file.floats("a"), std::vector<float>{3});
  EXPECT_EQ(file.integers("b"), (std::vector<int64_t>{7, 8}));
  EXPECT_EQ(file.tensors()[0].name, "a");
  EXPECT_REFUSED(file.get("x"), "tensor 'x' is missing", "m.safetensors");
  EXPECT_REFUSED(file.integers("z"), "integers are expected");
  EXPECT_REFUSED(file.floats("b"), "F32, BF16, F16 or F64");
  EXPECT_EQ((8 + static_cast<unsigned char>(first[0])) % 8, 0);
}

TEST(Safetensors, WriterThatIsNotFedLeavesNothing) {
  TempFolder folder;
  SafetensorsWriter writer(folder / "m.safetensors", {{"a", "F32", {2}}});
  EXPECT_REFUSED(writer.commit(), "were announced");
  EXPECT_FALSE(std::filesystem::exists(folder / "m.safetensors"));
}

// Files of the safetensors library itself come out again byte for byte, where all elements have one type
// (among types of one size the library has an order of its own).
TEST(Safetensors, RewritesGoldensByteForByte) {
  std::filesystem::path goldens = std::filesystem::path(MLORA_SHARED) / "data/goldens";
  if (!std::filesystem::exists(goldens))
    GTEST_SKIP() << goldens << " is absent";
  TempFolder folder;
  for (const char *name : {"stories260k/model/model.safetensors", "packed/batches.safetensors",
                           "llama3-tiny/adapter.safetensors", "llama3-tiny/peft/adapter_model.safetensors"}) {
    SafetensorsFile file(goldens / name);
    std::vector<SafetensorsValue> values;
    for (const SafetensorsEntry &entry : file.tensors())
      values.push_back({entry, file.bytes(entry).data()});
    writeSafetensors(folder / "out", values, file.metadata());
    EXPECT_TRUE(readFile(folder / "out") == readFile(goldens / name)) << name;
  }
}

// Whatever a byte becomes: an Error or a file that can be read from end to end.
TEST(Safetensors, SurvivesMutations) {
  TempFolder folder;
  std::string header = two;
  header += std::string((8 - header.size() % 8) % 8, ' ');
  const std::string whole = little64(header.size()) + header + std::string(12, 'x');
  std::mt19937 random(1);
  int opened = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string bytes = whole;
    for (unsigned n = 1 + random() % 3; n; --n)
      switch (random() % 4) {
      case 0:
        bytes.resize(random() % (bytes.size() + 1));
        break;
      case 1:
        if (!bytes.empty())
          bytes[random() % bytes.size()] = "0123456789{}[]\",:xF"[random() % 19];
        break;
      default:
        if (!bytes.empty())
          bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
      }
    try {
      SafetensorsFile file(folder.file("m", bytes));
      ++opened;
      for (const SafetensorsEntry &entry : file.tensors())
        if (entry.dtype == "F32")
          file.floats(entry.name);
    } catch (const Error &error) {
      EXPECT_EQ(error.status, Status::BadInput);
    }
  }
  EXPECT_GT(opened, 100); // mutations of the data change nothing
}
