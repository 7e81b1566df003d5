#include "mlora/Runtime/Report/ProgressLine.h"

#include <cmath>
#include <unistd.h>

namespace mlora {
namespace {

template <typename... Values> std::string format(const char *pattern, Values... values) {
  char text[160];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

} // namespace

std::string durationText(double seconds) {
  auto whole = static_cast<long long>(std::max(0.0, std::round(seconds)));
  return format("%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
}

ProgressLine::ProgressLine(std::FILE *stream, Style style)
    : stream(stream),
      terminal(style == Style::Terminal || (style == Style::Automatic && isatty(fileno(stream)))) {}

ProgressLine::~ProgressLine() {
  if (open)
    finish();
}

std::string ProgressLine::text(const StepRecord &record) {
  std::string text = format("step %lld/%lld", (long long)record.currentSteps, (long long)record.totalSteps);
  if (record.loss)
    text += format("  loss %.4f", *record.loss);
  if (record.evalLoss)
    text += format("  validation loss %.4f", *record.evalLoss);
  if (record.learningRate)
    text += format("  lr %.1e", *record.learningRate);
  if (record.gradientNorm)
    text += format("  grad %.3g", *record.gradientNorm);
  if (record.tokensPerSecond)
    text += format("  %.0f tok/s", *record.tokensPerSecond);
  text += "  " + durationText(record.elapsedSeconds) + " elapsed";
  if (record.remainingSeconds)
    text += "  " + durationText(*record.remainingSeconds) + " left";
  return text;
}

void ProgressLine::step(const StepRecord &record) {
  // A validation loss is worth a line that stays.
  bool stays = !terminal || record.evalLoss;
  std::fprintf(stream, "%s%s%s", terminal ? "\r\033[K" : "", text(record).c_str(), stays ? "\n" : "");
  std::fflush(stream);
  open = !stays;
}

void ProgressLine::message(const std::string &text) {
  std::fprintf(stream, "%s%s\n", terminal && open ? "\r\033[K" : "", text.c_str());
  std::fflush(stream);
  open = false;
}

void ProgressLine::finish() {
  if (open)
    std::fputc('\n', stream);
  std::fflush(stream);
  open = false;
}

} // namespace mlora
