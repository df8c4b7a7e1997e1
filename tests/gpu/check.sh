#!/usr/bin/env bash
# Proof on a GPU, from the root of the repository: bash tests/gpu/check.sh [FOLDER_OF_GOLDEN_FILES] [PART...]
# Parts are start, verify, repeat, bench, profile and torch; without one, all of them. A machine that is lent for minutes may take some at a time.
# Wants Linux, an NVIDIA driver and NVRTC (that of a CUDA toolkit or of a Python package). .NET is not wanted where tests/gpu/publish.sh
# was run before (here or elsewhere, with artifacts/gpu copied); a libtorch is used where there is one.
# Results go, a JSON object a line, into $OUT or tests/gpu/results/<device>. The last line is "N passed, N failed".
# Exit codes: 0 all passed, 1 something is missing here, 2 something failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# Where ldconfig is for those who are not root.
PATH=$PATH:/usr/sbin:/sbin
stop() { printf '%s\n' "$1" >&2; exit 1; }

every=(start verify repeat bench profile torch)
golden= parts=()
for word in "$@"; do
  case " ${every[*]} " in
    *" $word "*) parts+=("$word") ;;
    *) [ -z "$golden" ] || stop "'$word' is no part; allowed are ${every[*]}."; golden=$word ;;
  esac
done
[ "${#parts[@]}" -gt 0 ] || parts=("${every[@]}")
wanted() { case " ${parts[*]} " in *" $1 "*) ;; *) return 1 ;; esac; }

if [ -z "$golden" ]; then
  for golden in ../shared/golden/scan shared/golden/scan; do [ -d "$golden" ] && break; done
fi
[ -d "$golden" ] || stop "There is no folder '$golden' of golden files; name it: bash tests/gpu/check.sh FOLDER."

# Where the loader does not look by itself. A container may have its driver anywhere below /usr.
known() { ldconfig -p 2> /dev/null | grep -q "$1"; }
if ! known 'libcuda\.so\.1'; then
  for folder in $(tr ":" " " <<< "${LD_LIBRARY_PATH:-}") /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/lib/wsl/lib /usr/local/nvidia/lib64 /usr/local/cuda/compat; do
    [ -e "$folder/libcuda.so.1" ] && { export LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"; found=1; break; }
  done
  [ -n "${found:-}" ] || stop "No NVIDIA driver was found (libcuda.so.1 is nowhere); run this on a machine with an NVIDIA GPU and its driver."
fi

programs=${MAMBAEXT_GPU_PROGRAMS:-artifacts/gpu}
if [ ! -x "$programs/MambaExt.KernelCheck" ]; then
  command -v dotnet > /dev/null ||
    stop "There is no $programs/MambaExt.KernelCheck and no .NET SDK to make it; run tests/gpu/publish.sh where there is one and copy artifacts/gpu here."
  echo "Making the programs, which takes minutes"
  bash tests/gpu/publish.sh "$programs" || stop "The programs could not be made; see above."
fi

python=$(command -v python3 || command -v python || true)
inside() { # a Python expression over its installed packages; prints what it says, or nothing
  [ -n "$python" ] && "$python" -c "$1" 2> /dev/null
}
if [ -z "${MAMBAEXT_NVRTC:-}" ] && ! known 'libnvrtc\.so\.1[1-9]' && ! ls /usr/local/cuda*/lib64/libnvrtc.so.* > /dev/null 2>&1; then
  nvrtc=$(inside '
import glob, os, sys
files = [f for p in sys.path for f in glob.glob(os.path.join(p, "nvidia", "*", "lib", "libnvrtc.so.*")) + glob.glob(os.path.join(p, "torch", "lib", "libnvrtc*.so*"))]
print(max((f for f in files if "builtins" not in f and "alt" not in f), key=lambda f: f.rsplit(".so.", 1)[-1]))')
  [ -n "$nvrtc" ] || stop "No NVRTC was found (libnvrtc.so.11.2, .12 or .13); install a CUDA toolkit or the Python package nvidia-cuda-nvrtc, or set MAMBAEXT_NVRTC to its file."
  export MAMBAEXT_NVRTC=$nvrtc
fi

device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2> /dev/null | sed -n 1p | tr -cs 'A-Za-z0-9' '-' | sed 's/^-*//;s/-*$//')
out=${OUT:-tests/gpu/results/${device:-unknown}}
mkdir -p "$out" || stop "'$out' cannot be made; set OUT to a folder."
for one in "${parts[@]}"; do rm -f "$out/$one.jsonl"; done
[ "${#parts[@]}" -lt "${#every[@]}" ] || rm -f "$out/log.txt"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# Runs a program, shows it and counts what its last line says. One that ends without a count has failed, and so has one that counted no failure
# and ended with an error all the same.
part() { # title, command...
  printf '\n=== %s (%d s)\n' "$1" "$SECONDS"
  shift
  timeout "${MAMBAEXT_GPU_SECONDS:-540}" "$@" 2>&1 | tee "$scratch/part"
  local code=${PIPESTATUS[0]} counts
  cat "$scratch/part" >> "$out/log.txt"
  counts=$(tail -n 1 "$scratch/part" | sed -nE 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p')
  if [ -z "$counts" ]; then
    printf 'ended with exit code %d and no count\n' "$code"
    failed=$((failed + 1))
    return 1
  fi
  passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
  if [ "$code" -ne 0 ] && [ "${counts#* }" -eq 0 ]; then
    printf 'counted no failure and ended with exit code %d\n' "$code"
    failed=$((failed + 1))
  fi
}

check=$programs/MambaExt.KernelCheck
export MAMBAEXT_KERNEL_CACHE="${MAMBAEXT_KERNEL_CACHE:-$scratch/cache}"
if wanted start; then
  part "first start: every kernel is compiled" env MAMBAEXT_KERNEL_CACHE="$scratch/first" "$check" start --most 3000 --json "$out/start.jsonl" ||
    { printf '%d passed, %d failed\n' "$passed" "$failed"; exit 2; }
  part "second start: kernels from the disk" env MAMBAEXT_KERNEL_CACHE="$scratch/first" "$check" start --most 100 --json "$out/start.jsonl"
fi
wanted verify && part "golden files and larger shapes" "$check" verify "$golden" --device cuda --json "$out/verify.jsonl"
wanted repeat && part "the same bits every time and in every grid" "$check" repeat --json "$out/repeat.jsonl"
wanted bench && part "times" "$check" bench --json "$out/bench.jsonl"

say() { printf '%s\n' "$1" | tee -a "$out/log.txt"; }
if wanted profile; then
  # Which of bytes, exponentials and issue binds, by the profiler's own words. It judges nothing.
  printf '\n=== profile (%d s)\n' "$SECONDS"
  if ! command -v ncu > /dev/null; then
    say "not profiled: there is no ncu (Nsight Compute) on the path"
  elif ! timeout "${MAMBAEXT_GPU_SECONDS:-540}" ncu --kernel-name 'regex:scan_(forward|backward)' --section SpeedOfLight --section ComputeWorkloadAnalysis --section Occupancy \
      "$check" profile > "$out/profile.txt" 2>&1; then
    say "not profiled: $(tail -n 1 "$out/profile.txt")"
  else
    grep -E 'scan_|Throughput|Issue|Busy|Registers|Occupancy' "$out/profile.txt"
    say "the whole profile: $out/profile.txt"
  fi
fi

# TorchSharp is built for one libtorch. Where another one lacks what it wants, that is said and is no failure.
if wanted torch; then
  printf '\n=== TorchSharp (%d s)\n' "$SECONDS"
  torch=${MAMBAEXT_LIBTORCH:-$(inside 'import importlib.util, os; print(os.path.join(os.path.dirname(importlib.util.find_spec("torch").origin), "lib"))')}
  if [ -z "$torch" ] || [ ! -e "$torch/libtorch_cpu.so" ]; then
    say "no libtorch was found (neither in MAMBAEXT_LIBTORCH nor as the Python package torch): TorchSharp is left out"
  elif [ ! -x "$programs/MambaExt.TorchCheck" ]; then
    say "there is no $programs/MambaExt.TorchCheck: TorchSharp is left out"
  else
    version=$(inside 'import torch; print(torch.__version__)')
    abi=$([ -n "$python" ] && "$python" tests/gpu/check_abi.py "$programs/libLibTorchSharp.so" "$torch" 2>&1)
    fits=$?
    say "libtorch ${version:-of unknown version} in $torch: ${abi:-not probed, there is no Python}"
    if [ "$fits" -ne 0 ]; then
      say "this libtorch does not fit TorchSharp 0.107, which is built for 2.10.0: TorchSharp is left out"
    else
      before=$failed
      part "TorchSharp on this libtorch" env MAMBAEXT_LIBTORCH="$torch" "$programs/MambaExt.TorchCheck" "$golden" --json "$out/torch.jsonl"
      case $version in
        2.10.*) ;;
        *)
          # Equal names are no promise of equal layouts.
          [ "$failed" -eq "$before" ] || { say "TorchSharp is built for libtorch 2.10.0 and this is ${version:-another}: what failed there is not counted"; failed=$before; } ;;
      esac
    fi
  fi
fi

printf '\nresults: %s\n' "$out"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] || exit 2
