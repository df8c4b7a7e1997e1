using System.CommandLine;
using Spectre.Console;
using TorchSharp;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext bench scan</c>: the scan against an in-place exponential over its states, in one run.</summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        var shape = new Option<string>("--shape") { Description = "Batch x length x channels x states", HelpName = "BxLxDxN", DefaultValueFactory = _ => "1x2048x1536x16" };
        var suite = new Option<bool>("--suite") { Description = "Twelve shapes instead of one" };
        var dtype = new Option<string>("--dtype") { Description = "float32 or float64", DefaultValueFactory = _ => "float32" };
        var rounds = new Option<int>("--rounds") { Description = "Timed rounds; medians are reported", DefaultValueFactory = _ => 11 };
        dtype.AcceptOnlyFromAmong("float32", "float64");
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        rounds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 1000)
            {
                result.AddError("--rounds must be 1 to 1000.");
            }
        });
        var scan = new Command("scan", "Time the selective scan, forward and backward") { shape, suite, dtype, rounds, threads, json };
        scan.SetAction(parsed =>
        {
            if (parsed.GetValue(threads) is { } count)
            {
                Compute.Threads = count;
            }

            // The yardstick runs on as many threads as the scan.
            torch.set_num_threads(Compute.Threads);
            IReadOnlyList<ScanBenchmarkCase> cases = parsed.GetValue(suite) ? ScanBenchmarkCase.Suite : [ScanBenchmarkCase.Parse(parsed.GetValue(shape)!)];
            bool full = parsed.GetValue(dtype) == "float64";
            var results = new List<ScanBenchmarkResult>();
            foreach (ScanBenchmarkCase one in cases)
            {
                Console.Error.WriteLine($"timing {one.Shape} {one.Note}".TrimEnd());
                results.Add(full ? ScanBenchmark.Run<double>(one, parsed.GetValue(rounds)) : ScanBenchmark.Run<float>(one, parsed.GetValue(rounds)));
            }

            if (parsed.GetValue(json))
            {
                JsonResult.Write(parsed.GetValue(suite) ? results : results[0]);
            }
            else
            {
                Print(results);
            }

            return ExitCode.Done;
        });
        return new Command("bench", "Speed and memory on this machine") { scan };
    }

    private static void Print(List<ScanBenchmarkResult> results)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (string name in new[] { "shape", "forward ms", "backward ms", "exp ms", "forward/exp", "backward/exp", "ns/state fwd", "ns/state bwd", "workspace fwd", "workspace bwd", "node" })
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }

        foreach (ScanBenchmarkResult r in results)
        {
            table.AddRow(
                $"{r.shape} {r.options}".TrimEnd(), $"{r.forward_ms:f2}", $"{r.backward_ms:f2}", $"{r.yardstick_exp_ms:f2}", $"{r.forward_ratio:f2}", $"{r.backward_ratio:f2}",
                $"{r.forward_ns_per_state:f3}", $"{r.backward_ns_per_state:f3}", Bytes(r.forward_workspace_bytes), Bytes(r.backward_workspace_bytes), Bytes(r.node_bytes));
        }

        AnsiConsole.Console.Profile.Width = Math.Max(160, AnsiConsole.Console.Profile.Width);
        AnsiConsole.Write(table);
        ScanBenchmarkResult first = results[0];
        Console.WriteLine($"{first.dtype}, {first.threads} thread(s), {first.vector_bits}-bit vectors, {first.device}. exp: torch.exp_ in place over B L D N numbers, same threads.");
    }

    private static string Bytes(long bytes) => bytes < 1 << 20 ? $"{bytes / 1024.0:f0} KB" : $"{bytes / 1048576.0:f1} MB";
}
