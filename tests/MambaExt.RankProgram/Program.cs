// What the tests of MambaExt.Distributed run under mpirun, one process a rank: the first argument says what. Rank 0 prints the result.
using System.Diagnostics;
using System.Security.Cryptography;
using MambaExt;
using MambaExt.Distributed;
using MambaExt.RankProgram;
using TorchSharp.Modules;
using static TorchSharp.torch;

set_num_threads(1);
Compute.Threads = 1;
using ICommunicator ranks = Communicators.FromEnvironment();
switch (args[0])
{
    case "train":
        Print(Training.Run(ranks, args[1]));
        break;
    case "gather":
        // Lengths 0, 70001, 140002, ...; every rank hashes what it got.
        byte[][] all = ranks.AllGather([.. Enumerable.Range(0, 70_001 * ranks.Rank).Select(i => (byte)(31 * ranks.Rank + i))]);
        string got = string.Join(' ', all.Select(one => $"{one.Length}:{Convert.ToHexString(SHA256.HashData(one))}"));
        Print(ranks.AllGather(got));
        break;
    case "sum":
        Print(ranks.AllGather(Sums.Text(ranks)));
        break;
    case "killed":
        ranks.Barrier();
        if (ranks.Rank == 1)
        {
            Process.GetCurrentProcess().Kill();
        }

        ranks.Barrier();
        break;
    case "throws":
        ranks.Barrier();
        if (ranks.Rank == 1)
        {
            throw new InvalidOperationException("broken on purpose");
        }

        ranks.Barrier();
        break;
    case "returns":
        ranks.Barrier();
        if (ranks.Rank == 1)
        {
            return 7;
        }

        ranks.Barrier();
        break;
    case "aborts":
        ranks.Barrier();
        if (ranks.Rank == 1)
        {
            ranks.Abort(9);
        }

        ranks.Barrier();
        break;
    case "differs":
        using (Linear same = nn.Linear(2, 3), other = nn.Linear(2, 3 + ranks.Rank))
        {
            using var averager = new GradientAverager(same, ranks);
            Sequential model = nn.Sequential(("first", nn.Linear(4, 2)), ("second", other));
            Print(ranks.AllGather(string.Join('\n', new Action[] { () => DataParallel.BroadcastParameters(model, ranks), () => _ = new GradientAverager(model, ranks) }.Select(Refusal))));
        }

        break;
    case "error":
        Print(ranks.AllGather(Refusal(() => ranks.Broadcast(zeros(2), ranks.Size))));
        break;
    default:
        throw new ArgumentException($"The program was asked for '{args[0]}'.");
}

return 0;

void Print(params string[] lines)
{
    if (ranks.Rank == 0)
    {
        Console.WriteLine(string.Join('\n', lines));
    }
}

static string Refusal(Action action)
{
    try
    {
        action();
        return "not refused";
    }
    catch (ArgumentException e)
    {
        return e.Message;
    }
}
