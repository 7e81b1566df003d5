#include "mlora/Runtime/Report/JsonLog.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

namespace mlora {
namespace {

double rounded(double value, int digits) {
  double scale = std::pow(10, digits);
  return std::round(value * scale) / scale;
}

/// A line that was cut by a kill is no JSON, and goes. One of training has a learning rate.
std::string earlierLines(const std::filesystem::path &path, JsonLog::Kept keep) {
  std::string kept;
  std::ifstream earlier(path);
  for (std::string line; std::getline(earlier, line);) {
    nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.contains("current_steps") && json["current_steps"].is_number_integer() &&
        json["current_steps"].get<int64_t>() <= (json.contains("lr") ? keep.steps : keep.evaluations))
      kept += line + "\n";
  }
  return kept;
}

} // namespace

JsonLog::JsonLog(const std::filesystem::path &path, Kept kept) : path(path) {
  writeFileAtomically(path, kept.steps >= 0 ? earlierLines(path, kept) : "");
  file.open(path, std::ios::app | std::ios::binary);
}

std::string JsonLog::line(const StepRecord &record) {
  nlohmann::ordered_json json = {{"current_steps", record.currentSteps}, {"total_steps", record.totalSteps}};
  if (record.loss)
    json["loss"] = *record.loss;
  if (record.evalLoss)
    json["eval_loss"] = *record.evalLoss;
  for (const auto &[name, value] : record.scores)
    json["eval_" + name] = value;
  if (record.learningRate)
    json["lr"] = *record.learningRate;
  json["epoch"] = rounded(record.epoch, 4);
  json["percentage"] = rounded(record.percentage(), 2);
  json["elapsed_time"] = durationText(record.elapsedSeconds);
  if (record.remainingSeconds)
    json["remaining_time"] = durationText(*record.remainingSeconds);
  if (record.tokensPerSecond)
    json["throughput"] = rounded(*record.tokensPerSecond, 2);
  json["total_tokens"] = record.totalTokens;
  if (record.gradientNorm)
    json["grad_norm"] = *record.gradientNorm;
  return json.dump();
}

void JsonLog::step(const StepRecord &record) {
  // A line at a time reaches the file: whoever follows it sees whole lines.
  errno = 0;
  file << line(record) << "\n" << std::flush;
  if (!file)
    failed("cannot write " + path.string() + ": " + std::strerror(errno) +
           ": make room or choose another output_dir");
}

} // namespace mlora
