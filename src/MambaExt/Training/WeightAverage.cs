using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>Exponential moving average of the floating-point weights and buffers of a model: average = decay average + (1 - decay) weight
/// after each step, from the weights it was made with; as in Polyak and Juditsky (1992), in the form of Mean Teacher (arXiv 1703.01780).</summary>
public sealed class WeightAverage : IDisposable
{
    private readonly IReadOnlyList<(string Name, Tensor Tensor)> _live;
    private readonly List<Tensor> _average = [];
    private readonly double _decay;

    /// <summary>Starts with the weights as they are.</summary>
    public WeightAverage(nn.Module model, double decay)
    {
        _decay = decay;
        _live = ModelState.Of(model);
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _average.AddRange(_live.Select(p => p.Tensor.detach().clone().DetachFromDisposeScope()));
    }

    /// <summary>Takes the weights after a step in.</summary>
    public void Update()
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < _live.Count; i++)
        {
            Tensor now = _live[i].Tensor;
            if (now.is_floating_point())
            {
                _average[i].lerp_(now, 1 - _decay);
            }
            else
            {
                _average[i].copy_(now);
            }
        }
    }

    /// <summary>Exchanges weights and average; calling it again takes them back.</summary>
    public void Swap()
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < _live.Count; i++)
        {
            Tensor held = _live[i].Tensor.detach().clone();
            _live[i].Tensor.copy_(_average[i]);
            _average[i].copy_(held);
        }
    }

    /// <summary>Puts the average into <paramref name="bag"/>.</summary>
    public void Save(StateBag bag)
    {
        for (int i = 0; i < _live.Count; i++)
        {
            bag.Tensors["average." + _live[i].Name] = _average[i];
        }
    }

    /// <summary>Takes it back.</summary>
    public void Load(StateBag bag)
    {
        for (int i = 0; i < _live.Count; i++)
        {
            bag.CopyTo("average." + _live[i].Name, _average[i]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _average.ForEach(a => a.Dispose());
}
