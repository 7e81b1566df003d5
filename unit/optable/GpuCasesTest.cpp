// What gpu-check carries of the op table: nothing is lost on the way through a file.

#include "GpuCases.h"
#include "Outcome.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace optable {
namespace {

TEST(GpuCases, GoThroughJson) {
  GpuCases cases;
  cases.kernels["f.0.linear"] = {"f$0$linear", 128, 4096, 512, {{5, 1, {0, 2}, 64, 32, 64, 128}}};
  Steps &steps = cases.functions["f"];
  steps.memories = {{{Rows, 64}, Element::BF16}, {{64, 64}, Element::F32}, {{Rows, 64}, Element::I32}};
  steps.launches = {{"f.0.linear", {{Rows, 32}, {64, 64}}, {0, 1, 2}, 2}};
  steps.returned = {2};
  GpuCases read = GpuCases::fromJson(nlohmann::json::parse(cases.toJson().dump()));
  EXPECT_EQ(read.toJson(), cases.toJson());
  const mlora::TensorMap &map = read.kernels["f.0.linear"].tensorMaps.at(0);
  EXPECT_EQ(map.rows.at({.kvRows = 7}), 7);
  EXPECT_EQ(map.swizzle, 128);
  const Launch &launch = read.functions["f"].launches.at(0);
  Execution run{.rows = 70};
  EXPECT_EQ(launch.blocks(run), 3);
  EXPECT_EQ(launch.buffers, (std::vector<unsigned>{0, 1, 2}));
  EXPECT_EQ(read.functions["f"].memories[0].bytes(run), 70u * 64 * 2);
  EXPECT_EQ(read.kernels["f.0.linear"].symbol, "f$0$linear");
}

TEST(Sample, IsAllOfWhatIsSmallAndMeetsEveryColumn) {
  EXPECT_EQ(sampleOf(0).size(), 0u);
  EXPECT_EQ(sampleOf(5), (std::vector<size_t>{0, 1, 2, 3, 4}));
  std::vector<size_t> sample = sampleOf(1 << 20);
  EXPECT_LE(sample.size(), 1024u);
  std::vector<bool> seen(128);
  for (size_t i : sample)
    seen[i % 128] = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 128);
}

} // namespace
} // namespace optable
