using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>Keeps the parameters of the epoch that validation likes best: the higher score, and among equals the lower loss.</summary>
public sealed class BestEpoch(nn.Module model) : IDisposable
{
    private readonly List<Tensor> _kept = [];

    /// <summary>The epoch, from 1; 0 before the first.</summary>
    public int Epoch { get; private set; }

    /// <summary>Its validation score.</summary>
    public double Score { get; private set; } = double.NegativeInfinity;

    /// <summary>Its validation loss.</summary>
    public double Loss { get; private set; } = double.PositiveInfinity;

    /// <summary>Compares an epoch with the best so far and keeps its parameters if it is better.</summary>
    public bool Offer(int epoch, double score, double loss)
    {
        loss = double.IsNaN(loss) ? double.PositiveInfinity : loss;
        if (!(score > Score || (score == Score && loss < Loss)))
        {
            return false;
        }

        (Epoch, Score, Loss) = (epoch, score, loss);
        using IDisposable _ = no_grad();
        if (_kept.Count == 0)
        {
            using DisposeScope scope = NewDisposeScope();
            _kept.AddRange(Everything().Select(p => p.detach().clone().DetachFromDisposeScope()));
            return true;
        }

        foreach (var (kept, now) in _kept.Zip(Everything()))
        {
            kept.copy_(now);
        }

        return true;
    }

    /// <summary>Puts the best epoch's parameters back into the model.</summary>
    public void Restore()
    {
        using IDisposable _ = no_grad();
        foreach (var (kept, now) in _kept.Zip(Everything()))
        {
            now.copy_(kept);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _kept.ForEach(k => k.Dispose());

    private IEnumerable<Tensor> Everything() => model.parameters().Cast<Tensor>().Concat(model.buffers());
}
