using System.CommandLine;
using MambaExt.Distributed;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext bench comm</c>: how fast the ranks of a run sum a tensor.</summary>
internal static class CommBenchCommand
{
    private static readonly Option<int> Rounds = CommonOptions.Number("--rounds", "R", "Timed rounds.", 1, 1000);
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Rounds.DefaultValueFactory = _ => 51;
        var comm = new Command("comm", "Time sums over the processes that mpirun started.") { Rounds, Json };
        comm.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return comm;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        using ICommunicator ranks = Communicators.FromEnvironment();
        if (ranks.Size == 1)
        {
            throw new ArgumentException("There is one rank, over which nothing is sent or measured; start two or more, for example mpirun -n 2 mambaext bench comm.");
        }

        // The ranks share the processors; filling a tensor takes no more than one each.
        TorchSharp.torch.set_num_threads(1);
        CommBenchmarkResult result = CommBenchmark.Run(ranks, parsed.GetValue(Rounds), token);
        if (ranks.Rank != 0)
        {
            return ExitCode.Done;
        }

        if (parsed.GetValue(Json))
        {
            JsonResult.Write(result);
            return ExitCode.Done;
        }

        Console.WriteLine($"{result.ranks} ranks on {result.hosts} host(s), {result.library}, {result.transport ?? "transport unknown"}");
        Console.WriteLine("float32 tensor summed over all ranks in place; a round is its slowest rank");
        Console.WriteLine();
        Console.WriteLine($"{"MiB",6}{"best ms",12}{"median ms",12}");
        foreach (CommBenchmarkSize size in result.sizes)
        {
            Console.WriteLine($"{size.bytes >> 20,6}{size.best_ms,12:f2}{size.median_ms,12:f2}");
        }

        return ExitCode.Done;
    }
}
