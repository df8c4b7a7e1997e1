using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>
/// Listens to modules of a model by their paths (<c>layers.0</c>, <c>layers.1.mixer</c>) without a change to it: each forward pass leaves what they answered.
/// A module is heard where its parent calls it as TorchSharp's <c>call</c> does. Taken off again when disposed.
/// </summary>
public sealed class FeatureTaps : IDisposable
{
    private readonly List<Action> _remove = [];
    private readonly Dictionary<string, Tensor> _heard = [];

    /// <summary>Listens.</summary>
    /// <param name="model">The whole model</param>
    /// <param name="paths">Names of its modules, as <c>named_modules</c> has them</param>
    /// <param name="observe">Told of each answer, for statistics; it must not keep the tensor</param>
    /// <exception cref="ArgumentException">A path is no module from tensor to tensor.</exception>
    public FeatureTaps(nn.Module model, IEnumerable<string> paths, Action<string, Tensor>? observe = null)
    {
        Dictionary<string, nn.Module> known = model.named_modules().DistinctBy(m => m.name).ToDictionary(m => m.name, m => m.module);
        foreach (string path in paths.Distinct())
        {
            if (!known.TryGetValue(path, out nn.Module? found) || found is not nn.Module<Tensor, Tensor> module)
            {
                string[] allowed = [.. known.Where(m => m.Value is nn.Module<Tensor, Tensor> && m.Key.Length > 0).Select(m => m.Key)];
                Dispose();
                throw new ArgumentException($"The model has no module '{path}' from tensor to tensor; its modules are {string.Join(", ", allowed.Take(20))}{(allowed.Length > 20 ? ", ..." : "")}{(NameSuggestion.Nearest(path, allowed) is { } near ? $" (did you mean {near}?)" : "")}.");
            }

            Paths.Add(path);
            _remove.Add(module.register_forward_hook((_, _, answer) =>
            {
                // The parent disposes what it computes: an alias outlives it, with its gradients.
                Forget(path);
                _heard[path] = answer.alias().DetachFromDisposeScope();
                observe?.Invoke(path, answer);
                return answer;
            }).remove);
        }
    }

    /// <summary>What is listened to.</summary>
    public List<string> Paths { get; } = [];

    /// <summary>What a module answered in the latest pass; valid until the next, or <see cref="Clear"/>.</summary>
    /// <exception cref="InvalidOperationException">It was not called.</exception>
    public Tensor this[string path] => _heard.TryGetValue(path, out Tensor? answer)
        ? answer
        : throw new InvalidOperationException($"The module '{path}' was not heard in the latest pass; its parent must call it by call(...), not by forward(...), for others to listen.");

    /// <summary>Lets go of what was heard.</summary>
    public void Clear()
    {
        foreach (string path in Paths)
        {
            Forget(path);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        _remove.ForEach(remove => remove());
        _remove.Clear();
    }

    private void Forget(string path)
    {
        if (_heard.Remove(path, out Tensor? before))
        {
            before.Dispose();
        }
    }
}
