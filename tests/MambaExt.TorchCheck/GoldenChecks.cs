using MambaExt.Kernels;
using MambaExt.Kernels.Verification;
using MambaExt.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.TorchCheck;

/// <summary>The golden files of blocks and language models on a GPU.</summary>
internal static class GoldenChecks
{
    public static IEnumerable<(string Name, Func<string> Check)> In(string? folder) => folder is null
        ? []
        : Directory.EnumerateFiles(folder, "*.safetensors").Order(StringComparer.Ordinal).Where(IsModule).Select(file => (Path.GetFileNameWithoutExtension(file), (Func<string>)(() => Run(file))));

    private static bool IsModule(string file) => Path.GetFileName(file) is var name && (name.Contains("_block", StringComparison.Ordinal) || name.StartsWith("lm_", StringComparison.Ordinal));

    private static string Run(string file)
    {
        GoldenResult result = GoldenBlock.Run(file, KernelOptions.Default, CUDA) ?? throw new InvalidOperationException("this is no file of a block or model");
        return result.Ok == true
            ? $"error {result.WorstError:e1}, allowed {result.Tolerance:e0}"
            : throw new InvalidOperationException($"{result.Reason} error {result.WorstError:e1}, allowed {result.Tolerance:e0}");
    }
}
