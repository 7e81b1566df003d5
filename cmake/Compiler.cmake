# LLVM and MLIR 22, linked as the two shared libraries that Debian ships. Mixing in other static libMLIR*.a
# would register everything twice.
if(NOT DEFINED MLIR_DIR AND EXISTS /usr/lib/llvm-22/lib/cmake/mlir)
  set(MLIR_DIR /usr/lib/llvm-22/lib/cmake/mlir)
  set(LLVM_DIR /usr/lib/llvm-22/lib/cmake/llvm)
endif()
find_package(MLIR REQUIRED CONFIG)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "mlora needs LLVM and MLIR 22, found ${LLVM_VERSION} in ${LLVM_DIR}")
endif()
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)

add_library(mlora_llvm INTERFACE)
target_include_directories(mlora_llvm SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_compile_options(mlora_llvm INTERFACE -fno-rtti)
target_link_libraries(mlora_llvm INTERFACE MLIR LLVM)

# mlora_add_compiler_library(NAME sources... [LINK libs...]): a part of the compiler. All parts share one
# precompiled header, which halves a clean build.
function(mlora_add_compiler_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC mlora_llvm ${ARG_LINK})
  add_dependencies(${name} MLoraTableGen)
  target_precompile_headers(${name} REUSE_FROM mlora_precompiled)
endfunction()
