//===- Names.cpp - what values are called in the IR --------------------------------===//

#include "mlora/Dialect/Names.h"
#include "mlora/Dialect/MLora.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::mlora;

/// The list of a fused location; null for any other.
static ArrayAttr namesOf(Location location) {
  auto fused = dyn_cast<FusedLoc>(location);
  return fused ? dyn_cast_or_null<ArrayAttr>(fused.getMetadata()) : ArrayAttr();
}

Location mlir::mlora::withoutNames(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getChildLoc();
  return namesOf(location) ? cast<FusedLoc>(location).getLocations().front() : location;
}

Location mlir::mlora::withNames(Location location, ArrayRef<StringRef> names) {
  location = withoutNames(location);
  if (llvm::all_of(names, [](StringRef name) { return name.empty(); }))
    return location;
  Builder builder(location.getContext());
  if (names.size() == 1)
    return NameLoc::get(builder.getStringAttr(names.front()), location);
  return FusedLoc::get({location}, builder.getStrArrayAttr(names), builder.getContext());
}

Location mlir::mlora::withName(Location location, StringRef name) { return withNames(location, name); }

StringRef mlir::mlora::nameOf(Value value) {
  Location location = value.getLoc();
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName();
  ArrayAttr names = namesOf(location);
  auto result = dyn_cast<OpResult>(value);
  if (!names || !result || result.getResultNumber() >= names.size())
    return {};
  auto name = dyn_cast<StringAttr>(names[result.getResultNumber()]);
  return name ? name.getValue() : StringRef();
}

Location mlir::mlora::namedAs(Value value) { return withName(value.getLoc(), nameOf(value)); }

Location mlir::mlora::namedDerivative(Value value) {
  StringRef name = nameOf(value);
  return withName(value.getLoc(), name.empty() ? "" : "d" + name.str());
}

std::string mlir::mlora::shortName(StringRef tensor) {
  auto [layers, role] = tensor.rsplit('.');
  SmallVector<StringRef> projections;
  for (StringRef layer : llvm::split(layers, '+')) {
    layer = layer.substr(layer.rfind('.') + 1);
    layer.consume_back("_proj");
    projections.push_back(layer);
  }
  return llvm::join(projections, "_") + (role.empty() ? "" : "." + role.str());
}

std::string mlir::mlora::shortName(BufferOp buffer) {
  StringRef name = buffer.getName(), role = buffer.getRole();
  std::string of = shortName(buffer.getOf().value_or(""));
  if (role == "gradient") // of a factor inside a weight: `of` says nothing
    return "d" + (of.empty() ? shortName(name.drop_back(StringRef(".gradient").size())) : of);
  if (role == "moment1" || role == "moment2")
    return of + "." + role.str();
  if (role == "weight" && !name.ends_with(".augmented"))
    return name.substr(name.rfind('.') + 1).str();
  if (role == "weight" || role == "parameter" || role == "factor")
    return shortName(name);
  if (name.consume_back(".partial"))
    return shortName(name) + ".partial";
  if (name.consume_back(".cotangent"))
    return "d" + name.str();
  name.consume_front("decoder_layer.");
  std::string plain = name.str();
  std::replace(plain.begin(), plain.end(), '+', '_');
  return plain;
}
