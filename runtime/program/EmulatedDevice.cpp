#include "EmulatedDevice.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Json.h"

#include <algorithm>
#include <cstring>

namespace mlora {
namespace {

struct Constant {
  std::string name;
  std::vector<char> bytes;
};

std::vector<char> fromHex(const JsonFields &fields, const char *key) {
  std::string text = fields.string(key);
  std::vector<char> bytes(text.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    size_t used = 0;
    std::string digits = text.substr(2 * i, 2);
    bytes[i] = char(std::isxdigit(uint8_t(digits[0])) ? std::stoi(digits, &used, 16) : 0);
    if (used != 2)
      fields.refuse(key, "must be pairs of hexadecimal digits");
  }
  return bytes;
}

} // namespace

EmulatedDevice::EmulatedDevice(const Bundle &bundle, const Layout &layout) : manifest(bundle.manifest) {
  for (const Kernel &kernel : manifest.kernels)
    functions.push_back(reinterpret_cast<emulator::KernelEntry>(bundle.code.address(kernel.symbol)));
  std::string where = (bundle.folder / "manifest.json").string() + ": emulator";
  JsonFields fields(manifest.emulator, where);
  staticSharedBytes = uint32_t(fields.integer("static_shared_bytes"));
  std::vector<Constant> constants;
  try {
    for (const nlohmann::json &site : manifest.emulator.at("sites"))
      sites.push_back({site.at(0).get<std::string>(), site.at(1).get<std::string>()});
    for (const nlohmann::json &constant : manifest.emulator.at("constants")) {
      JsonFields entry(constant, where + ": constants");
      constants.push_back({entry.string("name"), fromHex(entry, "bytes")});
    }
  } catch (const nlohmann::json::exception &error) {
    failed(where + ": " + error.what());
  }
  for (const Kernel &kernel : manifest.kernels)
    if (kernel.threads < 1)
      failed(where + ": kernel " + kernel.name + " does not say how many threads a block has");

  for (const Kernel &kernel : manifest.kernels)
    scratchSize = std::max(scratchSize, kernel.scratchBytes * kernel.blocks(layout.capacity()));
  constexpr size_t guards = 8192; // between buffers, and what alignment takes
  size_t capacity =
      size_t(layout.arenaBytes() + scratchSize) + sizeof(Scalars) + guards * (3 + constants.size());
  for (const Constant &constant : constants)
    capacity += constant.bytes.size();
  memory = std::make_unique<emulator::GlobalMemory>(capacity);
  auto *arenaMemory = memory->allocate(size_t(layout.arenaBytes()), "the arena");
  programArena = std::make_unique<Arena>(layout.arenaBytes(), reinterpret_cast<std::byte *>(arenaMemory));
  scratch = memory->allocate(size_t(scratchSize), "scratch");
  scalarMemory = memory->allocate(sizeof(Scalars), "scalars");
  for (const Constant &constant : constants) {
    char *place = memory->allocate(constant.bytes.size(), constant.name);
    std::ranges::copy(constant.bytes, place);
    globals.push_back(reinterpret_cast<uint64_t>(place));
  }
}

void EmulatedDevice::launch(int number, LaunchBuffers buffers, const Scalars &scalars, int64_t blocks) {
  if (blocks == 0)
    return;
  const Kernel &kernel = manifest.kernels[size_t(number)];
  std::memcpy(scalarMemory, scalars.data(), sizeof(Scalars));
  emulator::Launch launch;
  launch.kernel = kernel.name;
  launch.entry = functions[size_t(number)];
  launch.grid[0] = uint32_t(blocks);
  launch.block[0] = uint32_t(kernel.threads);
  launch.staticSharedBytes = staticSharedBytes;
  launch.dynamicSharedBytes = uint32_t(kernel.sharedBytes);
  launch.sites = &sites;
  // The kernel may touch its own buffers, as far as there are rows, and nothing else.
  std::vector<emulator::GlobalMemory::View> views;
  for (size_t i = 0; i < buffers.addresses.size(); ++i) {
    const Buffer &buffer = manifest.buffers[size_t(buffers.numbers[i])];
    auto *address = static_cast<char *>(buffers.addresses[i]);
    if (buffer.packed)
      views.push_back({reinterpret_cast<char *>(programArena->at(buffer.offset)),
                       size_t(buffer.slots * buffer.slotBytes), buffer.name});
    else
      views.push_back({address, size_t(bytesOf(buffer.type) * buffer.elements(scalars)), buffer.name});
    launch.parameters.push_back(reinterpret_cast<uint64_t>(address));
  }
  memory->showOnly(reinterpret_cast<char *>(programArena->at(0)), std::move(views));
  launch.parameters.push_back(reinterpret_cast<uint64_t>(scalarMemory));
  launch.parameters.push_back(reinterpret_cast<uint64_t>(scratch));
  launch.parameters.insert(launch.parameters.end(), globals.begin(), globals.end());
  if (auto fault = emulator::run(launch, *memory, launches++))
    failed("emulator: " + fault->name + ": " + fault->message);
}

} // namespace mlora
