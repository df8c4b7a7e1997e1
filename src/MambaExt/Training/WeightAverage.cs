using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>Exponential moving average of the floating-point weights and buffers of a model: average = decay average + (1 - decay) weight
/// after each step, from the weights it was made with; as in Polyak and Juditsky (1992), in the form of Mean Teacher (arXiv 1703.01780).</summary>
public sealed class WeightAverage : IDisposable
{
    private readonly IReadOnlyList<(string Name, Tensor Tensor)> _live;
    private readonly IReadOnlyList<Tensor> _source;
    private readonly List<Tensor> _average = [];
    private readonly List<Tensor> _held = [];
    private readonly double _decay;

    /// <summary>Starts with the weights as they are.</summary>
    /// <param name="model">Gets the average by <see cref="Swap"/></param>
    /// <param name="decay">Share of the average that stays, 0 to below 1</param>
    /// <param name="masters">What is averaged in place of the model's own parameters of these names: an average of bfloat16 weights would not move</param>
    internal WeightAverage(nn.Module model, double decay, IEnumerable<(string Name, Parameter Parameter)>? masters)
    {
        _decay = decay;
        _live = ModelState.Of(model);
        Dictionary<string, Parameter> named = masters?.ToDictionary(m => m.Name, m => m.Parameter) ?? [];
        _source = [.. _live.Select(p => named.GetValueOrDefault(p.Name) ?? p.Tensor)];
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _average.AddRange(_source.Select(s => s.detach().clone().DetachFromDisposeScope()));
    }

    /// <summary>Starts with the weights as they are.</summary>
    public WeightAverage(nn.Module model, double decay)
        : this(model, decay, null)
    {
    }

    /// <summary>Takes the weights after a step in.</summary>
    public void Update()
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < _live.Count; i++)
        {
            Tensor now = _source[i];
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

    /// <summary>Puts the average in the place of the weights; calling it again takes them back.</summary>
    public void Swap()
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        bool back = _held.Count > 0;
        for (int i = 0; i < _live.Count; i++)
        {
            if (!back)
            {
                _held.Add(_live[i].Tensor.detach().clone().DetachFromDisposeScope());
            }

            _live[i].Tensor.copy_(back ? _held[i] : _average[i]);
        }

        if (back)
        {
            Release(_held);
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
    public void Dispose()
    {
        Release(_average);
        Release(_held);
    }

    private static void Release(List<Tensor> tensors)
    {
        tensors.ForEach(t => t.Dispose());
        tensors.Clear();
    }
}
