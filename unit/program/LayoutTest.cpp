#include "mlora/Runtime/Program/Layout.h"

#include "../Expect.h"
#include "TestBundle.h"

using namespace mlora;
using namespace mlora::test;

namespace {

struct LayoutTest : testing::Test {
  TestBundle bundle;

  Manifest manifest() const { return Manifest::parse(bundle.json, "m.json"); }
};

TEST_F(LayoutTest, PlacesAreLinearInTheCapacity) {
  Manifest manifest = this->manifest();
  for (int64_t rows : {16, 64, 4096}) {
    Layout layout(manifest, {.rows = rows});
    EXPECT_EQ(layout.capacity().rows, rows);
    EXPECT_EQ(layout.arenaBytes(), 1792 + 164 * rows);
    EXPECT_EQ(layout.offset(3, 2), 256 + 2 * 128); // p, in the fixed region
    EXPECT_EQ(layout.offset(0, 0), 1792);
    EXPECT_EQ(layout.offset(1, 3), 1792 + (4 + 3 * 32) * rows);
  }
}

TEST_F(LayoutTest, OddCapacitiesAreRoundedSoThatAllIsAligned) {
  Manifest manifest = this->manifest();
  Layout layout(manifest, {.rows = 17});
  EXPECT_EQ(layout.capacity().rows, 17);
  EXPECT_EQ(layout.arenaBytes(), 1792 + 164 * 32);
  for (size_t buffer : {0, 1, 7})
    EXPECT_EQ(layout.offset(buffer, 0) % 64, 0) << buffer;
  EXPECT_EQ(Layout(manifest, {}).arenaBytes(), 1792);
}

TEST_F(LayoutTest, RegionsLieOneBehindAnother) {
  bundle.json["arena"]["counted_rows"] = 32;
  bundle.json["arena"]["kv_rows"] = 8;
  bundle.json["buffers"][7]["region"] = "counted_rows";
  bundle.json["buffers"][7]["shape"] = {"counted_rows", 8};
  bundle.json["buffers"][7]["offset"] = 0;
  Layout layout(manifest(), {.rows = 16, .countedRows = 1, .kvRows = 48});
  EXPECT_EQ(layout.offset(7, 0), 1792 + 164 * 16);
  EXPECT_EQ(layout.arenaBytes(), 1792 + 164 * 16 + 32 * 16 + 8 * 48);
}

TEST_F(LayoutTest, RefusesWhatCannotBe) {
  EXPECT_REFUSED(Layout(manifest(), {.rows = -1}), "-1 rows", "max_length");
  EXPECT_REFUSED(Layout(manifest(), {.rows = (int64_t(1) << 31) + 1}), "2147483649 rows");
  EXPECT_REFUSED(Layout(manifest(), {.rows = INT64_MAX}), "9223372036854775807 rows");
  // 2^46 bytes a row times 2^31 rows is no number of 64 bits.
  bundle.json["arena"]["rows"] = int64_t(1) << 46;
  EXPECT_REFUSED(Layout(manifest(), {.rows = int64_t(1) << 31}), "2147483648 rows");
  bundle.json["arena"]["rows"] = 164;
  bundle.json["kernels"][0]["grid"] = {{{"extent", "rows"}}, {{"extent", int64_t(1) << 20}}};
  EXPECT_REFUSED(Layout(manifest(), {.rows = int64_t(1) << 21}), "2097152 rows");
}

TEST_F(LayoutTest, ARegionHoldsNoMoreThanItsCapacity) {
  bundle.json["buffers"][0]["shape"] = {"counted_rows"};
  EXPECT_NO_THROW(Layout(manifest(), {.rows = 64, .countedRows = 64}));
  EXPECT_REFUSED(Layout(manifest(), {.rows = 64, .countedRows = 65}), "65 counted_rows and only 64 rows",
                 "input_ids");
}

} // namespace
