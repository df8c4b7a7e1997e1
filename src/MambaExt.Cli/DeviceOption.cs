using System.CommandLine;
using MambaExt.Cli.Commands;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Cli;

/// <summary><c>--device cpu|cuda</c>: where a command computes.</summary>
internal static class DeviceOption
{
    public static Option<string> Create()
    {
        Option<string> option = CommonOptions.Choice("--device", "Where to compute (default: cpu).", "cpu", "cuda");
        option.DefaultValueFactory = _ => "cpu";
        return option;
    }

    /// <summary>The torch device; null is the CPU.</summary>
    /// <exception cref="ArgumentException">This libtorch sees no GPU.</exception>
    public static Device? Read(this Option<string> option, ParseResult parsed) =>
        parsed.GetValue(option) != "cuda" ? null
        : cuda.is_available() ? CUDA
        : throw new ArgumentException("--device is 'cuda', and this libtorch sees no NVIDIA GPU; take its CUDA edition (build with -p:MambaExtBackend=cuda) and a driver, or leave the option out.");
}
