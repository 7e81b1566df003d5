// Rows of the speed table: those of the part that is asked for.
#include "Fixture.h"

namespace gpucheck {
namespace {

struct Speed : GpuCheck {
  Speed() {
    for (auto [part, chip, rank] : {std::tuple("first", "auto", 32), {"first", "sm_90", 32}, {"small", "auto", 16}})
      folder.plan["rows"].push_back({{"part", part}, {"device", "cuda"}, {"chip", chip}, {"dtype", "bf16"},
                                     {"model", "m"}, {"method", "lora"}, {"branches", 1}, {"rank", rank}, {"batch", 1},
                                     {"length", 8}, {"peer", rank == 32}});
    program("mlora-run", "echo \"{\\\"words\\\": \\\"$*\\\"}\"");
  }
};

TEST_F(Speed, IsOfAPartsRowsInTheirOrder) {
  speed(run, "first");
  ASSERT_EQ(report["speed"].size(), 2u);
  EXPECT_EQ(report["speed"][0]["words"].get<std::string>().find("chip="), std::string::npos);
  EXPECT_NE(report["speed"][1]["words"].get<std::string>().find("chip=sm_90"), std::string::npos);
  speed(run, "small");
  EXPECT_EQ(report["speed"][2]["rank"], 16);
  EXPECT_EQ(saved, 3);
}

TEST_F(Speed, LeavesOutWhatTheMachineHasNot) {
  report["machine"]["chip"] = "sm_80";
  speed(run, "first");
  EXPECT_EQ(report["speed"].size(), 1u);
  report["machine"]["driver"] = false;
  speed(run, "first");
  EXPECT_EQ(report["speed"].size(), 1u);
}

TEST_F(Speed, SaysOfPeersWhatIsNotThere) {
  peers(run);
  ASSERT_EQ(report["peers"].size(), 2u);
  EXPECT_EQ(report["peers"][0]["problem"], "peft_train.py is not in the folder");
}

} // namespace
} // namespace gpucheck
