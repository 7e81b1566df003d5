#include "mlora/Runtime/Model/Gguf.h"
#include "../Expect.h"
#include "../TempFolder.h"
#include "GgufBuilder.h"
#include "mlora/Runtime/Core/Files.h"

#include <random>

using namespace mlora;
using mlora::test::GgufBuilder;
using mlora::test::TempFolder;

namespace {

void open(const std::string &bytes) {
  TempFolder folder;
  GgufFile(folder.file("m.gguf", bytes));
}
void open(const GgufBuilder &builder) { open(builder.bytes()); }

GgufBuilder small() {
  GgufBuilder builder;
  builder.string("general.architecture", "llama").integer("n", 7).real("f", 1.5f);
  builder.pair("list", 9,
               GgufBuilder::raw(uint32_t(8)) + GgufBuilder::raw(uint64_t(2)) + GgufBuilder::text("a") +
                   GgufBuilder::text("bc"));
  builder.pair("bytes", 9, GgufBuilder::raw(uint32_t(0)) + GgufBuilder::raw(uint64_t(3)) + "\1\2\3");
  builder.floats("t", {2, 3}, {1, 2, 3, 4, 5, 6}).tensor("q", {2, 32}, 8, std::string(68, '\1'));
  return builder;
}

} // namespace

TEST(Gguf, ReadsWhatIsRight) {
  TempFolder folder;
  GgufFile file(folder.file("m", small().bytes()));
  EXPECT_EQ(file.string("general.architecture"), "llama");
  EXPECT_EQ(file.integer("n"), 7);
  EXPECT_EQ(file.number("n"), 7.0);
  EXPECT_EQ(file.number("f"), 1.5);
  EXPECT_EQ(*file.strings("list"), (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(*file.integers("bytes"), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(file.integer("none"), std::nullopt);
  EXPECT_REFUSED(file.integer("f"), "'f'", "an integer is expected");
  EXPECT_EQ(file.findTensor("t")->shape, (std::vector<int64_t>{2, 3}));
  std::vector<float> row(3);
  file.readRows(*file.findTensor("t"), 1, 1, row.data());
  EXPECT_EQ(row, (std::vector<float>{4, 5, 6}));
  file.release(*file.findTensor("q"), 0, 2);
  // The last tensor's padding may be absent.
  std::string bytes = small().bytes();
  open(bytes.substr(0, bytes.size() - 28));
  GgufBuilder old = small();
  old.version = 2;
  open(old);
}

TEST(Gguf, RefusesLies) {
  std::string whole = small().bytes();
  for (size_t size = 0; size < whole.size() - 28; ++size)
    EXPECT_REFUSED(open(whole.substr(0, size)), "m.gguf");
  EXPECT_REFUSED(open(whole.substr(0, whole.size() - 40)), "truncated", "'q'");
  EXPECT_REFUSED(open(whole + "x"), "1 bytes behind the last tensor");
  EXPECT_REFUSED(open("GGML" + whole.substr(4)), "no GGUF file");
  auto with = [](auto change) {
    GgufBuilder builder = small();
    change(builder);
    return builder;
  };
  using B = GgufBuilder;
  EXPECT_REFUSED(open(with([](B &b) { b.version = 4; })), "version 4");
  EXPECT_REFUSED(open(with([](B &b) { b.version = 0x03000000; })), "big-endian");
  EXPECT_REFUSED(open(with([](B &b) { b.tensorCount = 1000; })), "m.gguf");
  EXPECT_REFUSED(open(with([](B &b) { b.pairCount = UINT64_MAX; })), "m.gguf");
  EXPECT_REFUSED(open(with([](B &b) { b.integer("n", 8); })), "'n' is there twice");
  EXPECT_REFUSED(open(with([](B &b) { b.pair("x", 13, ""); })), "'x'", "unknown type 13");
  EXPECT_REFUSED(open(with([](B &b) { b.pair("x", 7, "\2"); })), "'x'", "0 or 1");
  EXPECT_REFUSED(open(with([](B &b) { b.pair("x", 10, B::raw(UINT64_MAX)); })), "'x'", "2^63");
  EXPECT_REFUSED(open(with([](B &b) { b.pair("x", 8, B::raw(uint64_t(1) << 31)); })), "2^30");
  EXPECT_REFUSED(open(with([](B &b) { b.pair("x", 8, B::raw(uint64_t(1) << 29)); })), "truncated");
  EXPECT_REFUSED(open(with([](B &b) { b.pair("x", 9, B::raw(uint32_t(4)) + B::raw(uint64_t(1) << 62)); })),
                 "2^30");
  EXPECT_REFUSED(open(with([](B &b) { b.pair("x", 9, B::raw(uint32_t(4)) + B::raw(uint64_t(1) << 29)); })),
                 "truncated");
  EXPECT_REFUSED(open(with([](B &b) { b.pair("x", 9, B::raw(uint32_t(9)) + B::raw(uint64_t(0))); })),
                 "array of arrays");
  EXPECT_REFUSED(open(with([](B &b) { b.pair("", 0, "x"); })), "key has 0 bytes");
  EXPECT_REFUSED(open(with([](B &b) { b.integer("general.alignment", 24); })), "power of two");
  EXPECT_REFUSED(open(with([](B &b) { b.integer("general.alignment", 0); })), "power of two");
  EXPECT_REFUSED(open(with([](B &b) { b.string("general.alignment", "32"); })), "power of two");
  EXPECT_REFUSED(open(with([](B &b) { b.floats("t", {1}, {1}); })), "'t' is there twice");
  EXPECT_REFUSED(open(with([](B &b) { b.floats(std::string(64, 'n'), {1}, {1}); })), "fewer than 64");
  EXPECT_REFUSED(open(with([](B &b) { b.floats("x", {1, 1, 1, 1, 1}, {1}); })), "5 dimensions");
  EXPECT_REFUSED(open(with([](B &b) { b.tensor("x", {1, 31}, 8, ""); })), "'x'", "multiple of the 32");
  EXPECT_REFUSED(open(with([](B &b) {
                   b.tensor("x", {1, 256}, 16, "");
                 })),
                 "'x' is stored as IQ2_XXS", "not read");
  EXPECT_REFUSED(open(with([](B &b) { b.tensor("x", {1, 256}, 999, ""); })), "type 999");
  EXPECT_REFUSED(open(with([](B &b) {
                   b.tensor("x", {uint64_t(1) << 40, uint64_t(1) << 40}, 0, "");
                 })),
                 "larger than 64 bits");
  EXPECT_REFUSED(open(with([](B &b) { b.tensor("x", {UINT64_MAX}, 0, ""); })), "larger than 64 bits");
  EXPECT_REFUSED(open(with([](B &b) {
                   b.tensor("x", {uint64_t(1) << 54}, 0, "").tensor("y", {uint64_t(1) << 54}, 0, "");
                 })),
                 "truncated", "'x'");
  EXPECT_REFUSED(open(with([](B &b) { b.tensorAt("x", {1}, 0, "abcd", 64); })), "'x' is at offset 64");
  EXPECT_REFUSED(open(with([](B &b) { b.tensorAt("x", {1}, 0, "abcd", b.data.size() + 32); })),
                 "'x' is at offset");
  EXPECT_REFUSED(open(with([](B &b) { b.tensorAt("x", {1}, 0, "abcd", UINT64_MAX - 31); })),
                 "'x' is at offset");
}

TEST(Gguf, SurvivesMutations) {
  TempFolder folder;
  const std::string whole = small().bytes();
  std::mt19937 random(2);
  int opened = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string bytes = whole;
    for (unsigned n = 1 + random() % 3; n; --n)
      switch (random() % 4) {
      case 0:
        if (random() % 4 == 0)
          bytes.resize(random() % (bytes.size() + 1));
        break;
      case 1:
        for (size_t at = random() % (bytes.size() + 1), end = at + 8; at < end && at < bytes.size(); ++at)
          bytes[at] = '\xff';
        break;
      default:
        if (!bytes.empty())
          bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
      }
    try {
      GgufFile file(folder.file("m", bytes));
      ++opened;
      for (const GgufTensor &tensor : file.tensors()) {
        std::vector<float> values(tensor.rows() * tensor.columns());
        file.readRows(tensor, 0, tensor.rows(), values.data());
      }
    } catch (const Error &error) {
      EXPECT_EQ(error.status, Status::BadInput);
    }
  }
  EXPECT_GT(opened, 100);
}
