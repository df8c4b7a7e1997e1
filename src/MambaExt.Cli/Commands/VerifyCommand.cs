using System.CommandLine;
using MambaExt.Kernels.Cpu;
using MambaExt.Kernels.Verification;
using MambaExt.Verification;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext verify DIR</c>: golden files against this machine's kernels.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("dir") { Description = "Folder of golden files (*.safetensors)" };
        var widths = new Option<int[]>("--vector-bits") { Description = "Vector widths to run the kernels at: 128, 256, 512 (default: this process's)", AllowMultipleArgumentsPerToken = true };
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        widths.Validators.Add(result =>
        {
            foreach (int bits in result.GetValueOrDefault<int[]>() ?? [])
            {
                if (!VectorWidth.Allowed.Contains(bits))
                {
                    result.AddError($"--vector-bits is {bits}; allowed are 128, 256 and 512.");
                }
            }
        });
        var command = new Command("verify", "Run golden files against this machine's kernels") { folder, widths, threads, json };
        command.SetAction(parsed => Run(
            parsed.GetValue(folder)!,
            parsed.GetValue(widths) is { Length: > 0 } chosen ? chosen : [VectorWidth.Default],
            parsed.GetValue(threads),
            parsed.GetValue(json)));
        return command;
    }

    private static int Run(string folder, int[] widths, int? threads, bool json)
    {
        if (threads is { } count)
        {
            Compute.Threads = count;
        }

        var results = new List<GoldenResult>();
        foreach (GoldenResult r in GoldenFiles.Run(folder, Compute.Threads, widths, GoldenBlock.Run))
        {
            results.Add(r);
            if (!json)
            {
                string verdict = r.Ok is null ? "skip" : r.Ok.Value ? "pass" : "FAIL";
                Console.WriteLine(r.Ok is null
                    ? $"{verdict}  {r.File}: {r.Reason}"
                    : $"{verdict}  {r.File}: {r.Kernel}, {r.VectorBits} bits, error {r.WorstError:e1}, allowed {r.Tolerance:e0} ({r.Reason})");
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
                }),
            });
        }
        else
        {
            Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
        }

        return failed == 0 ? ExitCode.Done : ExitCode.Failed;
    }
}
