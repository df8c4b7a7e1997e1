using System.CommandLine;
using static TorchSharp.torch;
using BFloat16 = MambaExt.Kernels.BFloat16;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext bench scan</c>: the scan against an in-place exponential over its states, in one run.</summary>
internal static class BenchCommand
{
    private const string Standard = "1x2048x1536x16";

    private static readonly Option<string?> Shape = new("--shape") { Description = $"Batch x length x channels x states (default: {Standard}).", HelpName = "BxLxDxN" };
    private static readonly Option<bool> Suite = new("--suite") { Description = "Twelve shapes instead of one." };
    private static readonly Option<string> Type = CommonOptions.Choice("--dtype", "Numbers to scan (default: float32); those of 16 bits on a GPU alone.", "float32", "float64", "bfloat16", "float16");
    private static readonly Option<int> Rounds = CommonOptions.Number("--rounds", "R", "Timed rounds, of which the medians are reported.", 1, 1000);
    private static readonly Option<string> Where = DeviceOption.Create();
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Rounds.DefaultValueFactory = _ => 11;
        var scan = new Command("scan", "Time the selective scan, forward and backward.") { Shape, Suite, Type, Rounds, Where, Threads, Json };
        scan.Validators.Add(result =>
        {
            if (result.GetValue(Suite) && result.GetResult(Shape) is not null)
            {
                result.AddError("--suite has its own shapes and --shape names one; give one of the two.");
            }
        });
        scan.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return scan;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        string type = parsed.GetValue(Type) ?? "float32";
        Device? device = Where.Read(parsed);
        if (device is null && type is "bfloat16" or "float16")
        {
            throw new ArgumentException($"--dtype is '{type}', which a CPU scan computes in float32 anyway; give float32 or float64, or --device cuda.");
        }

        int rounds = parsed.GetValue(Rounds);
        IReadOnlyList<ScanBenchmarkCase> cases = parsed.GetValue(Suite) ? ScanBenchmarkCase.Suite : [ScanBenchmarkCase.Parse(parsed.GetValue(Shape) ?? Standard)];
        foreach (ScanBenchmarkCase one in cases)
        {
            one.RequireMemory(type == "float64" ? sizeof(double) : sizeof(float));
        }

        // The yardstick runs on as many threads as the scan.
        Threads.Use(parsed);
        var results = new List<ScanBenchmarkResult>();
        foreach (ScanBenchmarkCase one in cases)
        {
            Console.Error.WriteLine($"timing {one.Shape} {one.Note}".TrimEnd());
            results.Add(device is null
                ? type == "float64" ? ScanBenchmark.OnCpu<double>(one, rounds, token) : ScanBenchmark.OnCpu<float>(one, rounds, token)
                : type switch
                {
                    "float64" => ScanBenchmark.OnGpu<double>(one, rounds, device, token),
                    "bfloat16" => ScanBenchmark.OnGpu<BFloat16>(one, rounds, device, token),
                    "float16" => ScanBenchmark.OnGpu<Half>(one, rounds, device, token),
                    _ => ScanBenchmark.OnGpu<float>(one, rounds, device, token),
                });
        }

        if (parsed.GetValue(Json))
        {
            JsonResult.Write(parsed.GetValue(Suite) ? results : results[0]);
        }
        else
        {
            Print(results);
        }

        return ExitCode.Done;
    }

    /// <summary>Two tables of at most 80 columns: times, then memory.</summary>
    private static void Print(List<ScanBenchmarkResult> results)
    {
        ScanBenchmarkResult first = results[0];
        Console.WriteLine($"{first.dtype}, {(first.vector_bits > 0 ? $"{first.threads} thread(s), {first.vector_bits}-bit vectors, " : "")}{first.device}");
        Console.WriteLine("exp: torch.exp_ in place over B L D N numbers, same threads; ns: a state");
        Console.WriteLine();
        Console.WriteLine($"{"",-23}{"",11}{"forward",13}{"",14}{"backward",13}");
        Console.WriteLine($"{"shape",-23}{"exp ms",10}{"ms",10}{"/exp",6}{"ns",8}{"ms",10}{"/exp",6}{"ns",7}");
        foreach (ScanBenchmarkResult r in results)
        {
            Console.WriteLine(
                $"{Shaped(r),-23}{r.yardstick_exp_ms,10:f2}{r.forward_ms,10:f2}{r.forward_ratio,6:f2}{r.forward_ns_per_state,8:f3}{r.backward_ms,10:f2}{r.backward_ratio,6:f2}{r.backward_ns_per_state,7:f3}");
        }

        Console.WriteLine();
        Console.WriteLine($"{"memory",-23}{"forward workspace",18}{"backward workspace",20}{"kept for backward",19}");
        foreach (ScanBenchmarkResult r in results)
        {
            Console.WriteLine($"{Shaped(r),-23}{Bytes(r.forward_workspace_bytes),18}{Bytes(r.backward_workspace_bytes),20}{Bytes(r.node_bytes),19}");
        }
    }

    private static string Shaped(ScanBenchmarkResult r) => $"{r.shape} {r.options}".TrimEnd();

    private static string Bytes(long bytes) => bytes < 1 << 20 ? $"{bytes / 1024.0:f0} KB" : $"{bytes / 1048576.0:f1} MB";
}
