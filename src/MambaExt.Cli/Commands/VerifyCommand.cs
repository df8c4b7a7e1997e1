using System.CommandLine;
using MambaExt.Kernels.Cpu;
using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;
using MambaExt.Verification;
using static TorchSharp.torch;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext verify DIR</c>: golden files against this machine's kernels.</summary>
internal static class VerifyCommand
{
    private static readonly Argument<string?> Folder = new("DIR") { Description = "Folder of golden files (*.safetensors).", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<int[]> Widths = new("--vector-bits")
    {
        Description = "Vector widths of the kernels (default: MAMBAEXT_VECTOR_BITS, else the widest this machine has). Blocks run at the default only.",
        HelpName = string.Join('|', VectorWidth.Allowed),
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result =>
        {
            foreach (string given in result.Tokens.Select(t => t.Value))
            {
                if (!VectorWidth.Allowed.Any(bits => bits.ToString() == given))
                {
                    return CommonOptions.Refuse<int[]>(result, "--vector-bits", given, $"allowed are {string.Join(", ", VectorWidth.Allowed)}");
                }
            }

            return [.. result.Tokens.Select(t => int.Parse(t.Value)).Distinct()];
        },
    };

    private static readonly Option<string> Where = DeviceOption.Create();
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("verify", "Run golden files against this machine's kernels.") { Folder, Widths, Where, Threads, Json };
        command.Validators.Add(result =>
        {
            if (string.IsNullOrWhiteSpace(result.GetValue(Folder)))
            {
                result.AddError("No folder was given; name the one that holds the golden files (*.safetensors): mambaext verify DIR.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        Threads.Use(parsed);
        bool json = parsed.GetValue(Json);
        int[] widths = parsed.GetValue(Widths) is { Length: > 0 } chosen ? chosen : [VectorWidth.Default];
        var results = new List<GoldenResult>();
        foreach (GoldenResult result in Results(parsed, widths))
        {
            token.ThrowIfCancellationRequested();
            results.Add(result);
            if (!json)
            {
                Console.WriteLine(Line(result));
            }
        }

        int passed = results.Count(r => r.Ok == true), failed = results.Count(r => r.Ok == false), skipped = results.Count(r => r.Ok is null);
        if (json)
        {
            JsonResult.Write(new
            {
                passed,
                failed,
                skipped,
                files = results.Select(r => new
                {
                    file = r.File,
                    kernel = r.Kernel,
                    vector_bits = r.VectorBits,
                    worst_error = double.IsFinite(r.WorstError) ? r.WorstError : (double?)null,
                    tolerance = r.Tolerance,
                    ok = r.Ok,
                    reason = r.Reason,
                    device = r.Device,
                }),
            });
        }
        else
        {
            Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
        }

        return failed == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static IEnumerable<GoldenResult> Results(ParseResult parsed, int[] widths)
    {
        string folder = parsed.GetValue(Folder)!;
        if (parsed.GetValue(Where) == "cpu")
        {
            return GoldenFiles.Run(folder, Compute.Threads, widths, (path, options) => GoldenBlock.Run(path, options));
        }

        if (parsed.GetResult(Widths) is { Implicit: false })
        {
            throw new ArgumentException("--vector-bits chooses a CPU kernel and --device is 'cuda'; give one of the two.");
        }

        // The kernels need no libtorch; blocks need one that sees the GPU.
        Device? device = cuda.is_available() ? CUDA : null;
        return GoldenFiles.Run(folder, CudaDevice.Get(0), path => device is null ? null : GoldenBlock.Run(path, Compute.Options, device));
    }

    private static string Line(GoldenResult r) => r switch
    {
        { Ok: null } => $"skip  {r.File}: {r.Reason}",
        { Device: "" } => $"FAIL  {r.File}: {r.Reason}",
        _ => $"{(r.Ok.Value ? "pass" : "FAIL")}  {r.File}: {r.Kernel}, {(r.VectorBits > 0 ? $"{r.VectorBits} bits" : r.Device)}, error {r.WorstError:e1}, allowed {r.Tolerance:e0} ({r.Reason})",
    };
}
