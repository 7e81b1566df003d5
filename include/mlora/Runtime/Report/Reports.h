// Several reports as one.
#pragma once

#include "mlora/Runtime/Report/StepRecord.h"

#include <memory>
#include <vector>

namespace mlora {

class Reports : public Report {
public:
  void add(std::unique_ptr<Report> report) { list.push_back(std::move(report)); }

  void step(const StepRecord &record) override {
    for (auto &report : list)
      report->step(record);
  }
  void message(const std::string &text) override {
    for (auto &report : list)
      report->message(text);
  }
  void scoring(const std::string &task, double share, double seconds) override {
    for (auto &report : list)
      report->scoring(task, share, seconds);
  }
  void finish() override {
    for (auto &report : list)
      report->finish();
  }

private:
  std::vector<std::unique_ptr<Report>> list;
};

} // namespace mlora
