#include "mlora/Runtime/Report/ProgressLine.h"

#include <algorithm>
#include <cmath>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

namespace mlora {
namespace {

template <typename... Values> std::string format(const char *pattern, Values... values) {
  char text[160];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

/// What fits a line of the terminal: one that wraps could not be written over.
size_t columnsOf(std::FILE *stream) {
  struct winsize size {};
  bool known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col - 1u : std::string::npos;
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

std::string ProgressLine::text(const StepRecord &record, size_t columns) {
  // Where the line would not fit, what is worth least goes first.
  struct Part {
    int worth;
    std::string text;
  };
  std::vector<Part> parts = {
      {9, format("step %lld/%lld", (long long)record.currentSteps, (long long)record.totalSteps)}};
  if (record.loss)
    parts.push_back({8, format("loss %.4f", *record.loss)});
  if (record.evalLoss)
    parts.push_back({8, format("validation loss %.4f", *record.evalLoss)});
  for (const auto &[name, value] : record.scores)
    parts.push_back({name == "average" ? 8 : 5, format("%s %.4f", name.c_str(), value)});
  if (record.learningRate)
    parts.push_back({3, format("lr %.1e", *record.learningRate)});
  if (record.gradientNorm)
    parts.push_back({2, format("grad %.3g", *record.gradientNorm)});
  if (record.tokensPerSecond)
    parts.push_back({4, format("%.0f tok/s", *record.tokensPerSecond)});
  parts.push_back({1, durationText(record.elapsedSeconds) + " elapsed"});
  if (record.remainingSeconds)
    parts.push_back({7, durationText(*record.remainingSeconds) + " left"});

  auto joined = [&parts] {
    std::string line;
    for (const Part &part : parts)
      line += (line.empty() ? "" : "  ") + part.text;
    return line;
  };
  std::string line = joined();
  while (line.size() > columns && parts.size() > 1) {
    parts.erase(std::ranges::min_element(parts, {}, &Part::worth));
    line = joined();
  }
  return line.substr(0, columns);
}

void ProgressLine::step(const StepRecord &record) {
  // A validation loss or a task's score is worth a line that stays.
  bool stays = !terminal || record.evalLoss || !record.scores.empty();
  std::string line = text(record, terminal && !stays ? columnsOf(stream) : std::string::npos);
  std::fprintf(stream, "%s%s%s", terminal ? "\r\033[K" : "", line.c_str(), stays ? "\n" : "");
  std::fflush(stream);
  open = !stays;
}

void ProgressLine::message(const std::string &text) {
  std::fprintf(stream, "%s%s\n", terminal && open ? "\r\033[K" : "", text.c_str());
  std::fflush(stream);
  open = false;
}

void ProgressLine::scoring(const std::string &task, double share, double seconds) {
  bool begins = share < scored;
  if (!terminal && !begins && std::floor(10 * share) == std::floor(10 * scored))
    return;
  scored = share;
  std::string line = format("scoring %s  %.0f %%  %s elapsed", task.c_str(), 100 * share, durationText(seconds).c_str());
  if (share > 0)
    line += "  " + durationText(seconds / share - seconds) + " left";
  if (terminal)
    line = line.substr(0, columnsOf(stream));
  std::fprintf(stream, "%s%s%s", terminal ? "\r\033[K" : "", line.c_str(), terminal ? "" : "\n");
  std::fflush(stream);
  open = terminal;
}

void ProgressLine::finish() {
  if (open)
    std::fputc('\n', stream);
  std::fflush(stream);
  open = false;
}

} // namespace mlora
