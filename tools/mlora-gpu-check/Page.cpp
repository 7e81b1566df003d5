#include "Page.h"

#include <algorithm>
#include <cstdio>

namespace gpucheck {
namespace {

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// A number of the report, "-" where it has none.
std::string figure(const Json &row, const char *key, int digits = 0, double unit = 1) {
  return row.contains(key) && row[key].is_number() ? fixed(row[key].get<double>() / unit, digits) : "-";
}

std::string text(const Json &row, const char *key) {
  auto found = row.find(key);
  return found == row.end() ? "" : found->is_string() ? found->get<std::string>() : found->dump();
}

std::string inALine(std::string words) {
  words.resize(words.find_last_not_of("\n ") + 1);
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words;
}

std::string what(const Json &row) {
  std::string chip = text(row, "chip") == "auto" ? "" : ", chip=" + text(row, "chip");
  return text(row, "model") + chip + " | " + text(row, "method") + " | " + text(row, "branches") + " | " +
         text(row, "rank") + " | " + text(row, "batch") + " x " + text(row, "length");
}

class Page {
public:
  explicit Page(const Json &report) : report(report) {}

  std::string write() {
    head();
    tests();
    ops("op_table", "Op table");
    ops("op_times", "Op table, one process at a time");
    line("## Not run\n");
    for (const Json &reason : report["not_run"])
      line("- " + reason.get<std::string>());
    line("");
    speed();
    peers();
    for (const Json &row : report["speed"])
      kernels(row);
    return out;
  }

private:
  void line(const std::string &words) { out += words + "\n"; }
  void heading(const std::string &title, const std::string &columns) {
    line("## " + title + "\n");
    line("| " + columns + " |");
    std::string rule = "|";
    for (char c : "|" + columns)
      if (c == '|')
        rule += "---|";
    line(rule);
  }

  void head() {
    const Json &machine = report["machine"];
    bool hasDriver = machine.value("driver", false);
    line("# mlora on this machine's GPU\n");
    line((hasDriver ? text(machine, "gpu") + " (" + text(machine, "chip") + "), CUDA " +
                          text(machine, "cuda_version") + "; "
                    : std::string()) +
         text(machine, "system") + "; " + figure(report, "seconds") + " s");
    for (const auto &[part, seconds] : report["part_seconds"].items())
      line("- " + part + ": " + fixed(seconds.get<double>(), 1) + " s");
    line("");
    if (!hasDriver)
      line("**no driver**: " + text(machine, "why") + ". Nothing below is of a GPU.\n");
  }

  void tests() {
    const Json &goldens = report["goldens"];
    if (goldens.empty())
      return;
    int passed = 0, failed = 0, skipped = 0;
    for (const Json &test : goldens.value("tests", Json::array()))
      ++(test["result"] == "passed" ? passed : test["result"] == "failed" ? failed : skipped);
    line("## Golden tests\n");
    line(std::to_string(passed) + " passed, " + std::to_string(failed) + " failed, " +
         std::to_string(skipped) + " skipped\n");
    if (!text(goldens, "problem").empty())
      line("- problem: " + text(goldens, "problem"));
    for (const Json &test : goldens.value("tests", Json::array())) {
      std::string words = test["result"] == "passed" ? text(test, "printed") : text(test, "message");
      if (test["result"] != "passed" || !words.empty())
        line("- " + text(test, "name") + ": " + text(test, "result") + (words.empty() ? "" : ": " + inALine(words)));
    }
    line("");
  }

  void ops(const char *part, const std::string &title) {
    const Json &table = report[part];
    if (!table.is_object())
      return;
    if (!text(table, "problem").empty())
      line("## " + title + "\n\n" + text(table, "problem") + "\n");
    if (table["groups"].empty())
      return;
    heading(title, "group | runs | failed | worst error, of its bound | kernel | µs");
    for (const Json &group : table["groups"]) {
      if (group.contains("problem"))
        line("| " + text(group, "group") + " | " + text(group, "problem") + " | | | | |");
      if (group.value("runs", 0) == 0)
        continue;
      line("| " + text(group, "group") + " | " + figure(group, "runs") + " | " + figure(group, "failed") +
           " | " + figure(group, "worst_of_bound", 3) + " | " + text(group, "slowest") + " | " +
           figure(group, "slowest_microseconds", 1) + " |");
      for (const Json &failure : group.value("failures", Json::array()))
        line("| | " + failure.get<std::string>() + " | | | | |");
    }
    line("");
  }

  void speed() {
    if (report["speed"].empty())
      return;
    heading("Speed (random weights)",
            "device | type | model | method | n | r | tokens | tokens/s | of the products' peak | "
            "of a step of products alone | GPU memory, MiB | planned, MiB");
    for (const Json &row : report["speed"]) {
      std::string start = "| " + text(row, "device") + " | " + text(row, "dtype") + " | " + what(row) + " | ";
      if (row.contains("problem")) {
        line(start + text(row, "problem") + " | | | | |");
        continue;
      }
      auto share = [&](const char *part, const char *whole) {
        return row.contains(whole) && row.contains(part)
                   ? fixed(row[part].get<double>() / row[whole].get<double>(), 2)
                   : std::string("-");
      };
      line(start + figure(row, "tokens_per_second") + " | " + share("model_gflops", "product_peak_gflops") +
           " | " + share("gemm_floor_seconds", "seconds_per_step") + " | " + figure(row, "gpu_memory_mib") +
           " | " + figure(row, "planned_peak_mib") + " |");
    }
    line("");
    frozen(report["speed"]);
  }

  void frozen(const Json &rows) {
    for (const Json &row : rows)
      if (text(row, "method") == "none")
        return line(
            "Method none is a step without an adapter: forward, and backward of the activations down to the "
            "embedding's output, with the kernels and the products of the other rows without branches. No "
            "weight "
            "has a gradient, and there is no optimizer.\n");
  }

  void peers() {
    if (report["peers"].empty())
      return;
    heading("PyTorch and PEFT on the same work", "model | method | n | r | tokens | tokens/s");
    for (const Json &row : report["peers"])
      line("| " + what(row) + " | " +
           (row.contains("problem") ? text(row, "problem") : figure(row, "tokens_per_second")) + " |");
    line("");
    line("PyTorch's adapters are in f32 beside a base in bf16, as PEFT makes them: x is cast to f32 for them, and their "
         "sum with Wx back.\n");
  }

  void kernels(const Json &row) {
    if (!row.contains("kernels"))
      return;
    std::string limits = row.contains("product_peak_gflops")
                             ? "Products " + figure(row, "product_peak_gflops", 0, 1e3) + " TFLOP/s (" +
                                   text(row, "product_peak_of") + "), this step's " +
                                   figure(row, "gemm_gflops", 0, 1e3) + "; copies " +
                                   figure(row, "memory_gb_per_second") + " GB/s.\n"
                             : "";
    heading("Kernels: " + text(row, "model") + " " +
                (text(row, "chip") == "auto" ? "" : "chip=" + text(row, "chip") + " ") + text(row, "method") +
                " n=" + text(row, "branches") + " r=" + text(row, "rank") + " " + text(row, "batch") + " x " +
                text(row, "length"),
            "kernel | calls | ms a step | roofline, ms | GFLOP/s | MB");
    for (const Json &kernel : row["kernels"]) {
      double roofline = kernel.value("limit_milliseconds", 0.0);
      line("| " + text(kernel, "name") + " | " + figure(kernel, "calls") + " | " +
           figure(kernel, "milliseconds", 3) + " | " + (roofline > 0 ? fixed(roofline, 3) : "-") + " | " +
           figure(kernel, "gflops") + " | " + figure(kernel, "megabytes", 1) + " |");
    }
    line("\n" + limits);
  }

  const Json &report;
  std::string out;
};

} // namespace

std::string page(const Json &report) { return Page(report).write(); }

} // namespace gpucheck
