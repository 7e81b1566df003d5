#include "Parts.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Cuda/Cuda.h"
#include "mlora/Runtime/Program/CudaChip.h"
#include "mlora/Runtime/Program/CudaRates.h"

#include <sys/utsname.h>

namespace fs = std::filesystem;

namespace gpucheck {
namespace {

constexpr double rowSeconds = 90;

std::string number(const Json &value) { return std::to_string(value.get<int64_t>()); }

/// `mlora-run bench` of a row.
std::vector<std::string> benchWords(const Folder &folder, const Json &row) {
  std::string method = row["method"];
  std::vector<std::string> words{folder.program("mlora-run"),
                                 "bench",
                                 "model_name_or_path=" + (folder.path / "models" / std::string(row["model"])).string(),
                                 "weights=random",
                                 "device=" + std::string(row["device"]),
                                 "dtype=" + std::string(row["dtype"]),
                                 "method=" + method,
                                 "max_length=" + number(row["length"]),
                                 "per_device_train_batch_size=" + number(row["batch"]),
                                 "steps=5",
                                 "--json"};
  if (row["chip"] != "auto")
    words.push_back("chip=" + std::string(row["chip"]));
  if (method == "multilora" || method == "lora")
    words.push_back("lora_r=" + number(row["rank"]));
  if (method == "multilora")
    words.push_back("num_branches=" + number(row["branches"]));
  return words;
}

std::vector<std::string> peerWords(const Folder &folder, const Json &row) {
  return {"python3",
          (folder.path / "peer.py").string(),
          (folder.path / "models" / std::string(row["model"])).string(),
          "--method",
          row["method"],
          "--n",
          number(row["branches"]),
          "--r",
          number(row["rank"]),
          "--seq",
          number(row["length"]),
          "--batch",
          number(row["batch"]),
          "--dtype",
          "bfloat16",
          "--device",
          "cuda",
          "--steps",
          "5"};
}

} // namespace

Json machine() {
  utsname system{};
  uname(&system);
  Json found{{"driver", false}, {"system", std::string(system.sysname) + " " + system.release}};
  try {
    mlora::cuda::Table &table = mlora::cuda::nvidia();
    int version = 0;
    table.driver.driverGetVersion(&version);
    found["cuda_version"] = mlora::cuda::versionText(version);
    mlora::CudaRates rates(table);
    found["gpu"] = rates.name();
    found["free_mib"] = rates.freeBytes() >> 20;
    found["chip"] = mlora::installedChip();
    found["driver"] = true;
  } catch (const std::exception &error) {
    found["why"] = error.what();
  }
  return found;
}

void speed(Run &run, const std::string &part) {
  for (const Json &planned : run.folder.plan["rows"]) {
    if (planned["part"] != part || (planned["device"] == "cuda" && !run.hasDriver()))
      continue;
    // Code for another chip stands beside that for sm_90a, and only that GPU runs both.
    if (planned["chip"] != "auto" && run.chip() != "sm_90a")
      continue;
    Json row = planned;
    row.update(run.commands.json(benchWords(run.folder, planned), rowSeconds));
    run.report["speed"].push_back(std::move(row));
    run.save();
  }
}

void peers(Run &run) {
  for (const Json &planned : run.folder.plan["rows"]) {
    if (!planned.value("peer", false))
      continue;
    Json row = planned;
    row.update(fs::exists(run.folder.path / "peft_train.py")
                   ? run.commands.json(peerWords(run.folder, planned), rowSeconds)
                   : Json{{"problem", "peft_train.py is not in the folder"}});
    run.report["peers"].push_back(std::move(row));
    run.save();
  }
}

} // namespace gpucheck
