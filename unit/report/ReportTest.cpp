#include "mlora/Runtime/Report/JsonLog.h"
#include "mlora/Runtime/Report/ProgressLine.h"
#include "mlora/Runtime/Report/TensorBoard.h"

#include "../Expect.h"
#include "../TempFolder.h"
#include "mlora/Runtime/Core/Files.h"

#include <cstring>
#include <nlohmann/json.hpp>

using namespace mlora;
using namespace mlora::test;

namespace {

StepRecord example() {
  StepRecord record;
  record.currentSteps = 12;
  record.totalSteps = 100;
  record.loss = 2.5;
  record.learningRate = 1e-4;
  record.gradientNorm = 0.5;
  record.epoch = 0.12;
  record.elapsedSeconds = 61.2;
  record.remainingSeconds = 3700;
  record.tokensPerSecond = 231.4;
  record.totalTokens = 6144;
  return record;
}

std::string written(ProgressLine::Style style) {
  TempFolder folder;
  std::FILE *file = std::fopen((folder / "out").c_str(), "w");
  ProgressLine line(file, style);
  line.step(example());
  line.message("saved");
  line.step(example());
  line.finish();
  std::fclose(file);
  return readFile(folder / "out");
}

const std::string exampleText =
    "step 12/100  loss 2.5000  lr 1.0e-04  grad 0.5  231 tok/s  0:01:01 elapsed  1:01:40 left";

TEST(ProgressLine, IsPlainLinesWhereThereIsNoTerminal) {
  EXPECT_EQ(written(ProgressLine::Style::Plain), exampleText + "\nsaved\n" + exampleText + "\n");
  EXPECT_EQ(written(ProgressLine::Style::Automatic), written(ProgressLine::Style::Plain));
}

TEST(ProgressLine, IsWrittenOverOnATerminal) {
  std::string clear = "\r\033[K";
  EXPECT_EQ(written(ProgressLine::Style::Terminal),
            clear + exampleText + clear + "saved\n" + clear + exampleText + "\n");
}

TEST(ProgressLine, SaysHowFarAScoringIs) {
  TempFolder folder;
  auto scored = [&folder](ProgressLine::Style style) {
    std::FILE *file = std::fopen((folder / "out").c_str(), "w");
    ProgressLine line(file, style);
    for (int percent : {0, 4, 12, 15, 50})
      line.scoring("boolq", percent / 100.0, percent);
    line.scoring("rte", 0, 0); // another one
    line.finish();
    std::fclose(file);
    return readFile(folder / "out");
  };
  EXPECT_EQ(scored(ProgressLine::Style::Plain), "scoring boolq  0 %  0:00:00 elapsed\n"
                                                "scoring boolq  12 %  0:00:12 elapsed  0:01:28 left\n"
                                                "scoring boolq  50 %  0:00:50 elapsed  0:00:50 left\n"
                                                "scoring rte  0 %  0:00:00 elapsed\n");
  std::string terminal = scored(ProgressLine::Style::Terminal), clear = "\r\033[K";
  EXPECT_TRUE(terminal.starts_with(clear + "scoring boolq  0 %  0:00:00 elapsed" + clear)) << terminal;
  EXPECT_TRUE(terminal.ends_with(clear + "scoring rte  0 %  0:00:00 elapsed\n")) << terminal;
}

TEST(ProgressLine, FitsTheTerminal) {
  // Elapsed time goes first, then the gradient's norm; step, loss and remaining time stay longest.
  EXPECT_EQ(ProgressLine::text(example(), 79),
            "step 12/100  loss 2.5000  lr 1.0e-04  grad 0.5  231 tok/s  1:01:40 left");
  EXPECT_EQ(ProgressLine::text(example(), 40), "step 12/100  loss 2.5000  1:01:40 left");
  EXPECT_EQ(ProgressLine::text(example(), 5), "step ");
}

TEST(JsonLog, HasTheFieldsOfTheContract) {
  auto json = nlohmann::json::parse(JsonLog::line(example()));
  EXPECT_EQ(json["current_steps"], 12);
  EXPECT_EQ(json["total_steps"], 100);
  EXPECT_EQ(json["loss"], 2.5);
  EXPECT_EQ(json["lr"], 1e-4);
  EXPECT_EQ(json["grad_norm"], 0.5);
  EXPECT_EQ(json["percentage"], 12.0);
  EXPECT_EQ(json["elapsed_time"], "0:01:01");
  EXPECT_EQ(json["remaining_time"], "1:01:40");
  EXPECT_EQ(json["throughput"], 231.4);
  EXPECT_EQ(json["total_tokens"], 6144);
  EXPECT_FALSE(json.contains("eval_loss"));
}

TEST(JsonLog, AResumedRunContinuesTheLog) {
  TempFolder folder;
  StepRecord record = example();
  auto write = [&](JsonLog::Kept keep, std::initializer_list<int64_t> steps) {
    JsonLog log(folder / "log.jsonl", keep);
    for (int64_t step : steps) {
      record.currentSteps = step;
      log.step(record);
    }
  };
  auto steps = [&] {
    std::vector<int64_t> result;
    std::ifstream file(folder / "log.jsonl");
    for (std::string line; std::getline(file, line);)
      result.push_back(nlohmann::json::parse(line)["current_steps"]);
    return result;
  };
  write({}, {1, 2, 3});
  std::ofstream(folder / "log.jsonl", std::ios::app) << "{\"current_st";
  write({2, -1}, {3, 4});
  EXPECT_EQ(steps(), (std::vector<int64_t>{1, 2, 3, 4}));
  // An evaluation that the checkpoint of its step knows nothing of is made again.
  record = StepRecord();
  record.evalLoss = 2;
  write({4, -1}, {2, 4});
  EXPECT_EQ(steps(), (std::vector<int64_t>{1, 2, 3, 4, 2, 4}));
  write({4, 2}, {4});
  EXPECT_EQ(steps(), (std::vector<int64_t>{1, 2, 3, 4, 2, 4}));
  write({}, {1});
  EXPECT_EQ(steps(), (std::vector<int64_t>{1}));
  EXPECT_REFUSED(JsonLog(folder / "no/such/log.jsonl", {}), "log.jsonl");
}

TEST(Crc32c, KnownVectors) {
  // RFC 3720, B.4.
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(TensorBoard, WritesRecordsThatCheck) {
  TempFolder folder;
  {
    TensorBoard board(folder / "runs", 7);
    board.step(example());
  }
  std::string bytes;
  for (const auto &entry : std::filesystem::directory_iterator(folder / "runs")) {
    EXPECT_TRUE(entry.path().filename().string().starts_with("events.out.tfevents."));
    bytes = readFile(entry.path());
  }
  std::vector<std::string> events;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t length;
    uint32_t crc;
    std::memcpy(&length, &bytes[at], 8);
    std::memcpy(&crc, &bytes[at + 8], 4);
    EXPECT_EQ(crc, maskedCrc32c(bytes.substr(at, 8)));
    ASSERT_LE(at + 16 + length, bytes.size());
    events.push_back(bytes.substr(at + 12, length));
    std::memcpy(&crc, &bytes[at + 12 + length], 4);
    EXPECT_EQ(crc, maskedCrc32c(events.back()));
    at += 16 + length;
  }
  ASSERT_EQ(events.size(), 3u);
  // Event 1: wall_time (tag 9, 8 bytes), then file_version (tag 0x1a).
  EXPECT_EQ(events[0].substr(9), std::string("\x1a\x0d") + "brain.Event:2");
  // Event 2: step 8, session_log {status: START}.
  EXPECT_EQ(events[1].substr(9), "\x10\x08\x3a\x02\x08\x01");
  // Event 3: step 12, summary whose first value is {tag: "train/loss", simple_value: 2.5}.
  EXPECT_EQ(events[2].substr(9, 3), "\x10\x0c\x2a");
  EXPECT_EQ(events[2].substr(13, 19), std::string("\x0a\x11\x0a\x0atrain/loss\x15\x00\x00\x20\x40", 19));
}

} // namespace
