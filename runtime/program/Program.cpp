#include "mlora/Runtime/Program/Program.h"

#include "mlora/Runtime/Core/Error.h"

namespace mlora {

Program::Program(Bundle bundle, const Scalars &capacity, int64_t threads, Offload offload, const Program *lender)
    : bundle_(std::move(bundle)), layout_(bundle_.manifest, capacity, offload), pool_(threads),
      device_(Device::make(bundle_, layout_, pool_)),
      borrowed_(lender && lender->device_->hostMemory() && device_->hostMemory()
                    ? BorrowedWeights(bundle_.manifest, lender->manifest(), lender->layout_,
                                      lender->device_->hostMemory())
                    : BorrowedWeights()),
      executor_(bundle_.manifest, layout_, *device_, &borrowed_) {}

void Program::setInput(std::string_view name, std::span<const int32_t> values) {
  setInput(name, values.data(), values.size(), ElementType::I32);
}

void Program::setInput(std::string_view name, std::span<const float> values) {
  setInput(name, values.data(), values.size(), ElementType::F32);
}

void Program::setInput(std::string_view name, const void *values, size_t count, ElementType type) {
  int index = manifest().find(name, Role::Input);
  if (index < 0)
    failed("the program has no input " + std::string(name));
  const Buffer &buffer = manifest().buffers[size_t(index)];
  if (buffer.type != type)
    failed("the program's input " + std::string(name) + " is of another type");
  if (int64_t(count) > buffer.elements(capacity()))
    failed("the program's input " + std::string(name) + " holds " +
           std::to_string(buffer.elements(capacity())) + " values, not " + std::to_string(count));
  device_->write(layout_.offset(size_t(index), 0), values, int64_t(count * 4));
}

std::span<const float> Program::output(std::string_view name, std::optional<size_t> count) {
  int index = manifest().find(name, Role::Output);
  if (index < 0 || manifest().buffers[size_t(index)].type != ElementType::F32)
    failed("the program has no output " + std::string(name));
  size_t all = size_t(manifest().buffers[size_t(index)].elements(capacity())), wanted = count.value_or(all);
  if (wanted > all)
    failed("the program's output " + std::string(name) + " holds " + std::to_string(all) + " values, not " +
           std::to_string(wanted));
  if (device_->hostMemory())
    return slot(index, 0).first(wanted);
  std::vector<float> &values = outputs_[index];
  values.resize(wanted);
  read(index, 0, 0, values);
  return values;
}

/// Throws when the elements are not f32, or not all in their slot.
int64_t Program::placeOf(int buffer, int64_t slot, int64_t first, size_t count) const {
  const Buffer &known = manifest().buffers[size_t(buffer)];
  int64_t elements = known.elements(capacity());
  if (known.type != ElementType::F32 || slot < 0 || slot >= known.slots || first < 0 ||
      first + int64_t(count) > elements)
    failed("buffer " + known.name + " of the program has no " + std::to_string(count) +
           " f32 elements from element " + std::to_string(first) + " of slot " + std::to_string(slot));
  return layout_.offset(size_t(buffer), slot) + first * 4;
}

void Program::write(int buffer, int64_t slot, int64_t first, std::span<const float> values) {
  device_->write(placeOf(buffer, slot, first, values.size()), values.data(), int64_t(values.size_bytes()));
}

void Program::read(int buffer, int64_t slot, int64_t first, std::span<float> values) {
  device_->read(values.data(), placeOf(buffer, slot, first, values.size()), int64_t(values.size_bytes()));
}

void Program::write(int buffer, int64_t slot, int64_t granule, const Device::Fill &fill) {
  const Buffer &known = manifest().buffers[size_t(buffer)];
  device_->write(layout_.offset(size_t(buffer), slot), known.elements(capacity()) * bytesOf(known.type),
                 granule, fill);
}

std::byte *Program::slotOf(int buffer, int64_t index, ElementType type) const {
  const Buffer &wanted = manifest().buffers[size_t(buffer)];
  if (wanted.type != type)
    failed("the program's buffer " + wanted.name + " is of another type");
  if (!device_->hostMemory())
    failed("the program's memory is the device's: values of buffer " + wanted.name +
           " are copied, by read() and write()");
  return device_->hostMemory() + layout_.offset(size_t(buffer), index);
}

std::span<float> Program::slot(int buffer, int64_t index) const {
  return {reinterpret_cast<float *>(slotOf(buffer, index, ElementType::F32)),
          size_t(manifest().buffers[size_t(buffer)].elements(capacity()))};
}

std::span<uint16_t> Program::bfloatSlot(int buffer, int64_t index) const {
  return {reinterpret_cast<uint16_t *>(slotOf(buffer, index, ElementType::BF16)),
          size_t(manifest().buffers[size_t(buffer)].elements(capacity()))};
}

std::span<const uint8_t> Program::byteSlot(int buffer, int64_t index) const {
  return {reinterpret_cast<uint8_t *>(slotOf(buffer, index, ElementType::I8)),
          size_t(manifest().buffers[size_t(buffer)].elements(capacity()))};
}

} // namespace mlora
