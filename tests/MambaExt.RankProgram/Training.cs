using System.Security.Cryptography;
using MambaExt.Blocks;
using MambaExt.Distributed;
using MambaExt.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.RankProgram;

/// <summary>Twenty steps on one batch of ten sequences, of which each rank takes a share: 5 and 5, or 3, 3, 2 and 2.</summary>
internal static class Training
{
    private const int Batch = 10;
    private const int Steps = 20;

    /// <summary>The hash of each rank's parameters and buffers, then those of rank 0 in base 64.</summary>
    public static string[] Run(ICommunicator ranks, string how)
    {
        // Each rank starts elsewhere, so that the broadcast is needed.
        manual_seed(11 + ranks.Rank);
        using var model = new Model(how == "batchnorm", ranks);
        DataParallel.RequireIndependentSamples(model, ranks);
        DataParallel.BroadcastParameters(model, ranks);
        manual_seed(5);
        Tensor x = randn(Batch, 12, 4), wanted = randn(Batch, 3);
        (int first, int count) = Share(ranks);
        using optim.Optimizer optimizer = how == "adamw" ? Optimizers.AdamW(model, 1e-3, 1e-2) : optim.SGD(model.parameters(), 0.05, momentum: 0.9);

        // Small buckets, so that there are several.
        using var averager = new GradientAverager(model, ranks, bucketBytes: 4000);
        for (int step = 0; step < Steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor errors = (model.forward(x.narrow(0, first, count)) - wanted.narrow(0, first, count)).square().mean([1L]);   // [share]
            if (how == "batchnorm")
            {
                errors.sum().backward();
                averager.AverageSums(count);
            }
            else
            {
                errors.mean().backward();
                averager.Average(count);
            }

            optimizer.step();
        }

        // The count of batches is left out: no rounding reaches it, and it is larger than all else.
        byte[] state = [.. model.state_dict().Where(e => e.Value.is_floating_point()).OrderBy(e => e.Key, StringComparer.Ordinal).SelectMany(e => e.Value.detach().contiguous().bytes.ToArray())];
        return [string.Join(' ', ranks.AllGather(Convert.ToHexString(SHA256.HashData(state)))), Convert.ToBase64String(state)];
    }

    private static (int First, int Count) Share(ICommunicator ranks)
    {
        int First(int rank) => rank * (Batch / ranks.Size) + Math.Min(rank, Batch % ranks.Size);
        return (First(ranks.Rank), First(ranks.Rank + 1) - First(ranks.Rank));
    }

    /// <summary>A Mamba block, then a perceptron on the mean over time; one parameter never takes part.</summary>
    private sealed class Model : nn.Module<Tensor, Tensor>
    {
        private readonly MambaBlock block = new(new MambaOptions(4) { d_state = 4 });
        private readonly Linear hidden = nn.Linear(4, 16);
        private readonly nn.Module<Tensor, Tensor> norm;
        private readonly Linear last = nn.Linear(16, 3);
        private readonly Linear unused = nn.Linear(2, 2);

        public Model(bool batchNorm, ICommunicator ranks)
            : base(nameof(Model))
        {
            norm = batchNorm ? new SyncBatchNorm(16, ranks) : new RmsNorm(16);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) =>
            last.forward(nn.functional.silu(norm.forward(hidden.forward((x + block.forward(x)).mean([1L])))));
    }
}
