using System.CommandLine;
using System.Globalization;
using MambaExt.Graph.Training;
using MambaExt.Runs;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext bench graph</c>: walks, tokens and epochs over random graphs from small to large.</summary>
internal static class GraphBenchCommand
{
    private const int Smallest = 100, Largest = 10_000_000;

    private static readonly Option<string[]> Sizes = CommonOptions.List("--sizes", "Vertices of the graphs (default: 1000,10000,100000,1000000, the last of which takes minutes and up to 16 GB).");
    private static readonly Option<int> Rounds = CommonOptions.Number("--rounds", "R", "Timed rounds, the best of which is reported.", 1, 1000);
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Rounds.DefaultValueFactory = _ => 3;
        Sizes.HelpName = "N,...";
        var graph = new Command("graph", "Time random walks, tokens and epochs of Graph Mamba over random graphs of average degree 10, with peak memory, beside dense attention.") { Sizes, Rounds, Threads, Json };
        graph.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return graph;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        int[] sizes = parsed.GetResult(Sizes) is { Implicit: false } ? [.. parsed.GetValue(Sizes)!.Select(Size).Order()] : [1_000, 10_000, 100_000, 1_000_000];
        foreach (int vertices in sizes)
        {
            GraphBenchmark.RequireMemory(vertices);
        }

        Threads.Use(parsed);
        PeakMemory.Reset();
        long before = PeakMemory.Bytes();
        var results = new List<GraphBenchmarkSize>();
        foreach (int vertices in sizes)
        {
            Console.Error.WriteLine($"{vertices:n0} vertices");
            results.Add(GraphBenchmark.Run(vertices, parsed.GetValue(Rounds), token));
        }

        var result = new GraphBenchmarkResult(Compute.Threads, parsed.GetValue(Rounds), before, results);
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(result);
        }
        else
        {
            Print(result);
        }

        return ExitCode.Done;
    }

    private static int Size(string word) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size is >= Smallest and <= Largest
        ? size
        : throw new ArgumentException($"--sizes has '{word}'; give whole numbers from {Smallest} to {Largest}, apart by commas.");

    private static void Print(GraphBenchmarkResult result)
    {
        Console.WriteLine($"{result.threads} thread(s), best of {result.rounds}; peak MB of the process, of which {result.base_bytes / 1e6:f0} at the start");
        Console.WriteLine("tokens: M 4, m 4, s 2, with subgraphs; epoch: Graph Mamba; attention: 2 layers");
        Console.WriteLine();
        Console.WriteLine($"{"",9}{"walk",9}{"tokens",9}{"epoch",10}{"us a",9}{"peak",9}{"attention",12}{"peak",9}");
        Console.WriteLine($"{"vertices",9}{"M steps/s",10}{"M/s",8}{"s",10}{"vertex",9}{"MB",9}{"s",12}{"MB",9}");
        foreach (GraphBenchmarkSize r in result.sizes)
        {
            Console.WriteLine(
                $"{r.vertices,9}{r.walk_steps_per_second / 1e6,10:f1}{r.tokens_per_second / 1e6,8:f2}{r.epoch_seconds,10:f3}{1e6 * r.epoch_seconds / r.vertices,9:f1}{r.epoch_peak_bytes / 1e6,9:f0}{r.attention_seconds,12:f3}{r.attention_peak_bytes / 1e6,9:f0}");
        }
    }
}
