using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>Keeps the parameters of the epoch that validation likes best: the higher score, and among equals the lower loss.</summary>
public sealed class BestEpoch(nn.Module model) : IDisposable
{
    private readonly IReadOnlyList<(string Name, Tensor Tensor)> _live = ModelState.Of(model);
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
        Keep();
        return true;
    }

    /// <summary>Puts the best epoch's parameters back into the model.</summary>
    public void Restore()
    {
        using IDisposable _ = no_grad();
        foreach (var (kept, live) in _kept.Zip(_live))
        {
            live.Tensor.copy_(kept);
        }
    }

    /// <summary>Puts the best epoch into <paramref name="bag"/>.</summary>
    public void Save(StateBag bag)
    {
        bag.Values["best_epoch"] = Epoch;
        if (Epoch == 0)
        {
            return;
        }

        // As bits: JSON has no infinity, and the comparison must go on exactly.
        bag.Values["best_score"] = BitConverter.DoubleToInt64Bits(Score);
        bag.Values["best_loss"] = BitConverter.DoubleToInt64Bits(Loss);
        foreach (var (kept, live) in _kept.Zip(_live))
        {
            bag.Tensors["best." + live.Name] = kept;
        }
    }

    /// <summary>Takes it back.</summary>
    public void Load(StateBag bag)
    {
        Epoch = bag.Value<int>("best_epoch");
        if (Epoch == 0)
        {
            return;
        }

        Score = BitConverter.Int64BitsToDouble(bag.Value<long>("best_score"));
        Loss = BitConverter.Int64BitsToDouble(bag.Value<long>("best_loss"));
        Keep();
        foreach (var (kept, live) in _kept.Zip(_live))
        {
            bag.CopyTo("best." + live.Name, kept);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _kept.ForEach(k => k.Dispose());

    private void Keep()
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (_kept.Count == 0)
        {
            _kept.AddRange(_live.Select(p => p.Tensor.detach().clone().DetachFromDisposeScope()));
            return;
        }

        foreach (var (kept, live) in _kept.Zip(_live))
        {
            kept.copy_(live.Tensor);
        }
    }
}
