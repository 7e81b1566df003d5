#include "GpuRunner.h"

#include "GuardedBuffer.h"
#include "../../../runtime/program/CudaTensorMaps.h"
#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <cstring>

namespace cuda = mlora::cuda;

namespace optable {
namespace {

std::vector<char> guards(size_t bytes) {
  std::vector<char> values((bytes + 3) / 4 * 4);
  for (size_t i = 0; i < values.size() / 4; ++i) {
    uint32_t word = GuardedBuffer::guardWord(i);
    std::memcpy(values.data() + 4 * i, &word, 4);
  }
  return values;
}

} // namespace

/// Device memory of a value, between guards: a write outside of it is seen. The emulator sees such an access itself,
/// where nothing lies beside the value.
struct GpuRunner::Place {
  Place(const cuda::Table &table, cuda::Stream *stream, size_t bytes)
      : table(table), stream(stream), bytes(bytes), guard(table.isEmulated() ? 0 : 4096),
        all(guard + (bytes + 255) / 256 * 256 + guard) {
    if (table.isEmulated())
      all = bytes;
    if (all == 0)
      return;
    memory = mlora::makeMemory(table, int64_t(all), "a value");
    std::vector<char> filled = guards(all);
    upload(memory.get(), filled.data(), all);
  }

  cuda::DevicePointer data() const { return memory.get() ? memory.get() + guard : 0; }
  void write(const std::vector<double> &values, Element element) {
    std::vector<char> stored(bytes);
    optable::write(stored.data(), values, element);
    if (bytes > 0)
      upload(data(), stored.data(), bytes);
  }
  std::vector<char> read() const {
    std::vector<char> values(all);
    if (all > 0) {
      check(table, table.driver.memcpyDtoHAsync(values.data(), memory.get(), all, stream), "cuMemcpyDtoHAsync");
      check(table, table.driver.streamSynchronize(stream), "cuStreamSynchronize");
    }
    return values;
  }
  std::vector<char> readValues() const {
    std::vector<char> values = read();
    return {values.begin() + long(guard), values.begin() + long(guard + bytes)};
  }
  /// Empty when all guards stand.
  std::string damage() const {
    if (guard == 0)
      return {};
    std::vector<char> found = read(), expected = guards(all);
    for (size_t i = 0; i < all; ++i)
      if ((i < guard || i >= guard + bytes) && found[i] != expected[i])
        return std::to_string(long(i) - long(guard)) + " bytes from the begin of " + std::to_string(bytes);
    return {};
  }

private:
  void upload(cuda::DevicePointer to, const void *from, size_t count) {
    check(table, table.driver.memcpyHtoDAsync(to, from, count, stream), "cuMemcpyHtoDAsync");
    check(table, table.driver.streamSynchronize(stream), "cuStreamSynchronize");
  }

  const cuda::Table &table;
  cuda::Stream *stream;
  size_t bytes, guard, all;
  mlora::CudaMemory memory;
};

GpuRunner::GpuRunner(const cuda::Table &table, GpuCases compiled, const void *image)
    : table(table), cases(std::move(compiled)), context(table), stream(mlora::makeStream(table)),
      module(mlora::makeModule(table, image, "the op table's code")) {
  for (const auto &[name, kernel] : cases.kernels) {
    cuda::Function *&function = functions[name];
    check(table, table.driver.moduleGetFunction(&function, module.get(), kernel.symbol.c_str()),
          ("cuModuleGetFunction of " + kernel.symbol).c_str());
    if (kernel.sharedBytes > 0)
      check(table,
            table.driver.funcSetAttribute(function, cuda::FunctionAttribute::MaxDynamicSharedBytes,
                                          int(kernel.sharedBytes)),
            ("cuFuncSetAttribute of " + name).c_str());
  }
}

void GpuRunner::launch(const Launch &step, Parameters parameters, unsigned blocks) {
  const GpuKernel &kernel = cases.kernels.at(step.kernel);
  std::vector<void *> pointers;
  for (cuda::DevicePointer &pointer : parameters.pointers)
    pointers.push_back(&pointer);
  for (cuda::TensorMap &map : parameters.maps)
    pointers.push_back(&map);
  check(table,
        table.driver.launchKernel(functions.at(step.kernel), blocks, 1, 1, kernel.threads, 1, 1,
                                  unsigned(kernel.sharedBytes), stream.get(), pointers.data(), nullptr),
        ("cuLaunchKernel of " + step.kernel).c_str());
}

/// Results are no longer what they were: a kernel may add to them.
double GpuRunner::timeOf(const Launch &step, const Parameters &parameters, unsigned blocks) {
  constexpr int repeats = 20;
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < repeats; ++i)
    launch(step, parameters, blocks);
  check(table, table.driver.streamSynchronize(stream.get()),
        ("cuStreamSynchronize behind " + step.kernel + ", " + std::to_string(repeats) + " times,").c_str());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats * 1e6;
}

Outcome GpuRunner::run(const Case &oneCase, const Execution &run,
                       const std::vector<std::vector<double>> &arguments,
                       const std::vector<std::vector<float>> &before) {
  longest.clear();
  const Steps &steps = cases.functions.at(oneCase.name);
  std::vector<unsigned> home = steps.homes(oneCase);
  std::vector<std::unique_ptr<Place>> places;
  for (const Memory &memory : steps.memories)
    places.push_back(std::make_unique<Place>(table, stream.get(), memory.bytes(run)));
  for (size_t i = 0; i < before.size(); ++i)
    places[steps.returned[i]]->write({before[i].begin(), before[i].end()}, oneCase.results[i].element);
  for (size_t i = 0; i < arguments.size(); ++i)
    places[i]->write(arguments[i], oneCase.arguments[i].fill.element);
  Place scalars(table, stream.get(), 4 * sizeof(int64_t));
  const int64_t values[] = {run.rows, run.countedRows, run.kvRows(), run.accumulate};
  check(table, table.driver.memcpyHtoDAsync(scalars.data(), values, sizeof values, stream.get()), "cuMemcpyHtoDAsync");

  Outcome outcome;
  std::vector<std::function<void()>> timings; // behind all results: kernels run again
  std::vector<std::unique_ptr<Place>> scratches;
  for (const Launch &step : steps.launches) {
    auto blocks = unsigned(step.blocks(run));
    if (blocks == 0)
      continue;
    const GpuKernel &kernel = cases.kernels.at(step.kernel);
    scratches.push_back(std::make_unique<Place>(table, stream.get(), kernel.scratchBytes * blocks));
    Parameters parameters;
    std::vector<std::vector<char>> operands;
    for (size_t i = 0; i < step.buffers.size(); ++i) {
      const Place &place = *places[home[step.buffers[i]]];
      parameters.pointers.push_back(place.data());
      if (i < step.operands)
        operands.push_back(place.readValues());
    }
    parameters.pointers.push_back(scalars.data());
    parameters.pointers.push_back(scratches.back()->data());
    mlora::Kernel mapped;
    mapped.name = step.kernel;
    mapped.tensorMaps = kernel.tensorMaps;
    parameters.maps = mlora::encodeTensorMaps(table, mapped, parameters.pointers,
                                              {run.rows, run.countedRows, run.kvRows(), run.accumulate});
    launch(step, parameters, blocks);
    check(table, table.driver.streamSynchronize(stream.get()), ("cuStreamSynchronize behind " + step.kernel).c_str());
    for (size_t i = 0; i < step.operands; ++i) {
      bool isResult = std::any_of(step.buffers.begin() + long(step.operands), step.buffers.end(),
                                  [&](unsigned other) { return home[other] == home[step.buffers[i]]; });
      if (!isResult && places[home[step.buffers[i]]]->readValues() != operands[i])
        outcome.damage.push_back(step.kernel + " changed its operand " + std::to_string(i));
    }
    timings.push_back([this, step, parameters, blocks] {
      double &known = longest[step.kernel];
      known = std::max(known, timeOf(step, parameters, blocks));
    });
  }
  for (unsigned number : steps.returned) {
    std::vector<char> stored = places[home[number]]->readValues();
    outcome.results.push_back(read(stored.data(), stored.size(), steps.memories[home[number]].element));
  }
  for (size_t i = 0; i < places.size(); ++i)
    if (std::string damage = places[i]->damage(); !damage.empty())
      outcome.damage.push_back("wrote outside value " + std::to_string(i) + ": " + damage);
  for (const auto &scratch : scratches)
    if (std::string damage = scratch->damage(); !damage.empty())
      outcome.damage.push_back("wrote outside its scratch: " + damage);
  if (times)
    for (const auto &time : timings)
      time();
  return outcome;
}

} // namespace optable
