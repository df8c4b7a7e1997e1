using TorchSharp.Modules;

namespace MambaExt.Training;

/// <summary>Averages the gradients of several processes that train the same model on parts of each batch.</summary>
public interface IGradientExchange
{
    /// <summary>This rank's part of the training samples; the parts of all ranks are the whole.</summary>
    T[] Share<T>(T[] samples);

    /// <summary>Replaces each gradient, a sum over samples of weight <paramref name="weight"/> on this rank, by the mean over all ranks.</summary>
    void Average(IReadOnlyList<Parameter> parameters, double weight);

    /// <summary>The mean over ranks of a value with a weight.</summary>
    double Mean(double value, double weight);
}
