using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>What a training needs to go on from where it was: tensors by name, and a JSON object of numbers and texts.
/// Filled with the live tensors of a model it does not own them; read from a file it does, and its owner disposes it.</summary>
public sealed class StateBag : IDisposable
{
    /// <summary>Tensors of parameters, optimizer, random generator.</summary>
    public Dictionary<string, Tensor> Tensors { get; } = [];

    /// <summary>Everything else.</summary>
    public JsonObject Values { get; init; } = [];

    /// <summary>Whether <see cref="Dispose"/> disposes the tensors.</summary>
    public bool OwnsTensors { get; init; }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="InvalidDataException">There is none: the state belongs to another model.</exception>
    public Tensor Tensor(string name) =>
        Tensors.TryGetValue(name, out Tensor? tensor) ? tensor : throw Missing(name);

    /// <summary>The value of that name.</summary>
    /// <exception cref="InvalidDataException">There is none, or it is of another kind.</exception>
    public T Value<T>(string name)
    {
        try
        {
            return Values[name] is { } node ? node.GetValue<T>() : throw Missing(name);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            throw new InvalidDataException($"The checkpoint's '{name}' is {Values[name]!.ToJsonString()}, not a {typeof(T).Name}; it was not written by this version, start the run anew.", e);
        }
    }

    /// <summary>Fills <paramref name="target"/> with the tensor of that name.</summary>
    /// <exception cref="InvalidDataException">It is missing or of another shape or type.</exception>
    public void CopyTo(string name, Tensor target)
    {
        Tensor source = Tensor(name);
        if (source.dtype != target.dtype || !source.shape.SequenceEqual(target.shape))
        {
            throw new InvalidDataException(
                $"The checkpoint's '{name}' is {source.dtype} [{string.Join(", ", source.shape)}] and the model wants {target.dtype} [{string.Join(", ", target.shape)}]; resume with the options the run was started with.");
        }

        using IDisposable _ = no_grad();
        target.copy_(source);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (OwnsTensors)
        {
            foreach (Tensor tensor in Tensors.Values)
            {
                tensor.Dispose();
            }
        }

        Tensors.Clear();
    }

    private static InvalidDataException Missing(string name) =>
        new($"The checkpoint has no '{name}'; it belongs to another model or version, resume with the options the run was started with or start it anew.");
}
