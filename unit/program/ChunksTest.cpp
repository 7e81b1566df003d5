// Loops over chunks of counted rows: scalars, places and graphs of each, and what a manifest may say of them.
#include "../../runtime/program/CudaDevice.h"

#include "../Expect.h"
#include "ChunkedBundle.h"
#include "mlora/Runtime/Cuda/Emulated.h"
#include "mlora/Runtime/Program/Program.h"

#include <numeric>

using namespace mlora;
using namespace mlora::test;

namespace {

struct ChunksTest : testing::Test {
  ChunkedBundle files;

  static constexpr Scalars capacity = {.rows = 64, .countedRows = 60, .kvRows = 64};

  static std::vector<float> counting(size_t count, float first) {
    std::vector<float> values(count);
    std::iota(values.begin(), values.end(), first);
    return values;
  }
  void refuses(const char *pointer, const nlohmann::json &value, const std::string &says) {
    nlohmann::json changed = files.json;
    changed[nlohmann::json::json_pointer(pointer)] = value;
    SCOPED_TRACE(pointer);
    EXPECT_REFUSED(Manifest::parse(changed, "m.json"), "m.json", says);
  }
};

/// Launched as they come, captured, repeated: what each chunk sees is its own.
TEST_F(ChunksTest, SeeTheirOwnRowsAndScalars) {
  Program program(Bundle::load(files.path()), capacity, 1);
  program.write(4, 0, 0, counting(24, 1));
  for (int64_t counted : {37, 37, 37, 16, 16, 5, 60, 37}) {
    SCOPED_TRACE(counted);
    std::vector<float> x = counting(size_t(counted) * 4, float(counted));
    program.setInput("x", std::span<const float>(x));
    program.run("chunks", {.rows = 64, .countedRows = counted});
    std::span<const float> y = program.output("y"), p = program.output("p");
    for (size_t c = 0; c < size_t(counted); ++c) {
      float rows = float(std::min<int64_t>(16, counted - int64_t(c) / 16 * 16));
      EXPECT_EQ(y[c * 4 + 3], x[c * 4 + 3] + 100 * rows) << c;
      float sum = 0;
      for (size_t k = 0; k < 4; ++k)
        sum += x[c * 4 + k] * float(1 + k * 6 + 5);
      EXPECT_EQ(p[c * 6 + 5], sum) << c;
    }
    EXPECT_EQ(program.output("sum")[0], float(counted)) << "the second chunk adds to the first one's sum";
    program.run("chunks", {.rows = 64, .countedRows = counted, .accumulate = 1});
    EXPECT_EQ(program.output("sum")[0], 2 * float(counted));
  }
}

TEST_F(ChunksTest, AreOneOfNoRowsWhereNoneCount) {
  Program program(Bundle::load(files.path()), capacity, 1);
  for (int run = 0; run < 4; ++run) {
    program.run("chunks", {.rows = 64, .countedRows = 20});
    program.run("chunks", {.rows = 64, .countedRows = 0});
    EXPECT_EQ(program.output("sum")[0], 0) << "the sum over no rows";
  }
}

TEST_F(ChunksTest, AreGraphsByTheirNumberOfRows) {
  Bundle bundle = Bundle::load(files.path());
  Layout layout(bundle.manifest, capacity);
  CudaDevice device(cuda::emulated(), bundle, layout);
  Executor executor(bundle.manifest, layout, device);
  for (int run = 0; run < 4; ++run)
    for (int64_t counted : {40, 41})
      executor.run("chunks", {.rows = 64, .countedRows = counted});
  EXPECT_EQ(device.graphs().captured(), 2);
  EXPECT_EQ(device.graphs().replayed(), 4);
  EXPECT_EQ(device.shapes().shapes(), 3u) << "16 rows, 8 and 9";
  device.synchronize();
}

TEST_F(ChunksTest, TakeNoMoreMemoryThanOfOneChunk) {
  Bundle bundle = Bundle::load(files.path());
  for (int64_t counted : {5, 16, 60, 4096}) {
    Layout layout(bundle.manifest, {.rows = 4096, .countedRows = counted, .kvRows = 4096});
    EXPECT_EQ(layout.arenaBytes(), 192 + 56 * roundedCapacity(counted) + 16 * 16);
    EXPECT_EQ(layout.offset(1, 0), 192 + 56 * roundedCapacity(counted)) << "behind all others";
    EXPECT_EQ(layout.mostChunks(), (counted + 15) / 16);
    CudaDevice device(cuda::emulated(), bundle, layout);
    EXPECT_EQ(device.allocatedBytes(), layout.arenaBytes() + device.scratchBytes() +
                                           (1 + layout.mostChunks()) * int64_t(sizeof(Scalars)));
    EXPECT_EQ(int64_t(cuda::emulatedMemory().used), device.allocatedBytes());
  }
  files.json["chunk_rows"] = 128;
  Manifest manifest = Manifest::parse(files.json, "m.json");
  EXPECT_EQ(Layout(manifest, capacity).arenaBytes(), 192 + (56 + 16) * 64) << "no more than rows can count";
  EXPECT_EQ(Layout(manifest, {.rows = 64, .countedRows = 0}).mostChunks(), 1);
}

/// The emulator shows a launch its chunk's rows of a buffer, and no others.
TEST_F(ChunksTest, MayTouchTheirOwnRowsOnly) {
  files.json["kernels"][1]["grid"][0] = {{"extent", 16}, {"block", 1}};
  files.write();
  Program program(Bundle::load(files.path()), capacity, 1);
  program.run("chunks", {.rows = 64, .countedRows = 20});
  EXPECT_REFUSED(program.output("y"), "out-of-bounds access", "give", "z (64 bytes)");
}

TEST_F(ChunksTest, OfAManifestAreChecked) {
  refuses("/chunk_rows", 24, "chunk_rows must be a multiple of 16");
  refuses("/chunk_rows", 0, "is not between 16");
  refuses("/chunk_rows", nullptr, "chunk_rows");
  refuses("/arena/chunk_rows", 12, "z ends beyond its region of 12 bytes a row");
  refuses("/arena/chunk_rows", 18, "arena: chunk_rows must be a multiple of 4");
  refuses("/buffers/1/shape/0", "rows",
          "buffer z: lies in chunk_rows, but its first extent is not counted_rows");
  refuses("/buffers/1/region", "chunks", "counted_rows, kv_rows");
  refuses("/sections/0/commands/0/chunks", "rows", "must be counted_rows");
  refuses("/sections/0/commands/0/body/0/args/0/buffer", 7, "no buffer 7");
  refuses("/sections/1/commands/0/args/0/buffer", 1,
          "section whole: a launch outside of chunks takes buffer z, which lies in chunk_rows");
  files.json.erase("chunk_rows");
  EXPECT_REFUSED(Manifest::parse(files.json, "m.json"),
                 "section chunks: has a loop over chunks, but the program has no chunk_rows");
}

} // namespace
