// The progress of a run for people: one line that is written over on a terminal, a line a record elsewhere.
#pragma once

#include "mlora/Runtime/Report/StepRecord.h"

#include <cstdio>
#include <string>

namespace mlora {

class ProgressLine : public Report {
public:
  enum class Style { Automatic, Terminal, Plain };
  explicit ProgressLine(std::FILE *stream = stderr, Style style = Style::Automatic);
  /// Ends a line that stands open, so that an error's message begins a new one.
  ~ProgressLine() override;

  void step(const StepRecord &record) override;
  void message(const std::string &text) override;
  /// `scoring boolq  40 %  0:00:12 elapsed  0:00:18 left`; where lines stay, every tenth part.
  void scoring(const std::string &task, double share, double seconds) override;
  void finish() override;

  /// `step 12/100  loss 2.3456  lr 1.0e-04  grad 0.532  231 tok/s  0:00:12 elapsed  0:01:40 left`
  /// with fewer parts where that would be wider than `columns`.
  static std::string text(const StepRecord &record, size_t columns = std::string::npos);

private:
  std::FILE *stream;
  bool terminal;
  bool open = false;      ///< a line stands on the terminal without its newline
  double scored = 2;      ///< share of the scoring that was shown last; any other one begins below it
};

} // namespace mlora
