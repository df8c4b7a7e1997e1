#!/usr/bin/env bash
# Makes the two programs that check.sh runs on a machine without .NET, into artifacts/gpu (ignored by git): each one file with its
# runtime inside, trimmed and compressed. Needs the .NET SDK. The second one takes no libtorch along: it uses the one it finds there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${1:-artifacts/gpu}
limit=$((25 * 1000 * 1000))
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1

# Partial trimming leaves this project's own and TorchSharp's assemblies whole: parameters are found by reflection.
for program in MambaExt.KernelCheck MambaExt.TorchCheck; do
  dotnet publish "tests/$program" -c Release -r linux-x64 --self-contained -v quiet --nologo -o "$scratch/$program" \
    --artifacts-path "$scratch/build" -p:MambaExtBackend=none -p:PublishSingleFile=true -p:PublishTrimmed=true -p:TrimMode=partial \
    -p:EnableCompressionInSingleFile=true -p:DebugType=none -p:EmbedAllSources=false -p:GenerateDocumentationFile=false -p:EnableTrimAnalyzer=false -p:SuppressTrimAnalysisWarnings=true < /dev/null
done
mkdir -p "$target"
cp "$scratch/MambaExt.KernelCheck/MambaExt.KernelCheck" "$scratch/MambaExt.TorchCheck/MambaExt.TorchCheck" "$target/"
find "$scratch/MambaExt.TorchCheck" -name libLibTorchSharp.so -exec cp {} "$target/" \;

kernel=$(stat -c %s "$target/MambaExt.KernelCheck")
torch=$(($(stat -c %s "$target/MambaExt.TorchCheck") + $(stat -c %s "$target/libLibTorchSharp.so")))
for size in "KernelCheck:$kernel" "TorchCheck:$torch"; do
  printf '%s: %d bytes\n' "${size%%:*}" "${size#*:}"
  [ "${size#*:}" -le "$limit" ] || { echo "MambaExt.${size%%:*} is larger than $limit bytes" >&2; exit 1; }
done
