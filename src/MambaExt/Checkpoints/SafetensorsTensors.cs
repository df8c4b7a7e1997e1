using System.Text;
using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Checkpoints;

/// <summary>Safetensors files as tensors and as the parameters and buffers of modules.</summary>
public static class SafetensorsTensors
{
    /// <summary>Reads all tensors of a file; the caller disposes them.</summary>
    /// <exception cref="InvalidDataException">The file breaks the format.</exception>
    /// <exception cref="FileNotFoundException">The file is absent.</exception>
    public static Dictionary<string, Tensor> Load(string path, Device? device = null) => Load(SafetensorsFile.Read(path), device);

    /// <summary>All arrays of a file as tensors; the caller disposes them.</summary>
    public static Dictionary<string, Tensor> Load(SafetensorsFile file, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = [];
        foreach (SafetensorsEntry entry in file.Entries)
        {
            Tensor tensor = ToTensor(entry);
            tensors.Add(entry.Name, device is null ? tensor : tensor.to(device));
        }

        foreach (Tensor tensor in tensors.Values)
        {
            tensor.MoveToOuterDisposeScope();
        }

        return tensors;
    }

    /// <summary>Writes tensors of any layout and device, each of at most 2 GiB.</summary>
    public static void Save(string path, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        Save(tensors, entries => SafetensorsFile.Write(path, entries, metadata));

    /// <summary>The same as <see cref="Save(string, IEnumerable{ValueTuple{string, Tensor}}, IReadOnlyDictionary{string, string}?)"/>, to a stream.</summary>
    public static void Save(Stream stream, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        Save(tensors, entries => SafetensorsFile.Write(stream, entries, metadata));

    private static void Save(IEnumerable<(string Name, Tensor Tensor)> tensors, Action<List<SafetensorsEntry>> write)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        List<Tensor> kept = [];
        List<SafetensorsEntry> entries = [];
        foreach ((string name, Tensor tensor) in tensors)
        {
            SafetensorsType type = TypeOf(name, tensor.dtype);

            // Detached first: where cpu() and contiguous() have nothing to do they give back the tensor itself, which is the caller's.
            Tensor plain = tensor.detach().cpu().contiguous();
            kept.Add(plain);
            entries.Add(new SafetensorsEntry(name, type, plain.shape, new TensorMemory(plain).Memory));
        }

        write(entries);
        GC.KeepAlive(kept);
    }

    /// <summary>Writes the parameters and buffers of <paramref name="module"/> under their own names.</summary>
    public static void SaveModule(torch.nn.Module module, string path, IReadOnlyDictionary<string, string>? metadata = null) =>
        Save(path, StateOf(module).Select(pair => (pair.Key, pair.Value)), metadata);

    /// <summary>The same to a stream.</summary>
    public static void SaveModule(torch.nn.Module module, Stream stream, IReadOnlyDictionary<string, string>? metadata = null) =>
        Save(stream, StateOf(module).Select(pair => (pair.Key, pair.Value)), metadata);

    /// <summary>Fills the parameters and buffers of <paramref name="module"/>; nothing changes unless every name and shape agrees.</summary>
    /// <remarks>Floats of another width are converted; the module keeps its types and devices.</remarks>
    /// <param name="module">Filled</param>
    /// <param name="path">A safetensors file</param>
    /// <param name="ignored">Names of the file that the module need not have; default none</param>
    /// <param name="optional">Names of the module that the file need not have, which stay as they are; default none</param>
    /// <returns>The metadata of the file.</returns>
    /// <exception cref="InvalidDataException">Names are missing or unexpected, or shapes or kinds of number differ; the message lists them.</exception>
    public static IReadOnlyDictionary<string, string> LoadInto(torch.nn.Module module, string path, Func<string, bool>? ignored = null, Func<string, bool>? optional = null)
    {
        Dictionary<string, Tensor> state = StateOf(module);
        SafetensorsFile file = SafetensorsFile.Read(path);
        foreach (string absent in state.Keys.Where(name => optional?.Invoke(name) == true && file.Find(name) is null).ToArray())
        {
            state.Remove(absent);
        }

        ThrowUnlessSame(state, file, Path.GetFileName(path), ignored);
        using var noGrad = no_grad();
        foreach ((string name, Tensor target) in state)
        {
            using var scope = NewDisposeScope();
            target.copy_(ToTensor(file[name]));
        }

        return file.Metadata;
    }

    private static Dictionary<string, Tensor> StateOf(torch.nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        Dictionary<string, Tensor> state = [];
        foreach ((string name, Tensor tensor) in module.named_parameters().Select(p => (p.name, (Tensor)p.parameter)).Concat(module.named_buffers().Select(b => (b.name, b.buffer))))
        {
            state.TryAdd(name, tensor);
        }

        return state;
    }

    private static void ThrowUnlessSame(Dictionary<string, Tensor> state, SafetensorsFile file, string name, Func<string, bool>? ignored)
    {
        StringBuilder found = new();
        List("missing", state.Keys.Where(key => file.Find(key) is null));
        List("unexpected", file.Entries.Select(entry => entry.Name).Where(key => !state.ContainsKey(key) && ignored?.Invoke(key) != true));
        List("of another shape", state.Where(pair => file.Find(pair.Key) is { } entry && !entry.Shape.SequenceEqual(pair.Value.shape))
            .Select(pair => $"{pair.Key} [{string.Join(", ", file[pair.Key].Shape.ToArray())}] for [{string.Join(", ", pair.Value.shape)}]"));
        List("of another kind", state.Where(pair => file.Find(pair.Key) is { } entry && !Converts(entry.Type, pair.Value.dtype))
            .Select(pair => $"{pair.Key} {file[pair.Key].Type.Name()} for {pair.Value.dtype}"));
        if (found.Length > 0)
        {
            throw BadFile.At(name, 8, found.ToString(), "every parameter and buffer of the module, each in its own shape", "build the module with the options of this checkpoint, or choose another file");
        }

        void List(string what, IEnumerable<string> names)
        {
            string[] all = [.. names.Order(StringComparer.Ordinal)];
            if (all.Length > 0)
            {
                found.Append(found.Length > 0 ? "; " : "").Append(all.Length).Append(' ').Append(what).Append(": ").AppendJoin(", ", all.Take(20)).Append(all.Length > 20 ? ", ..." : "");
            }
        }
    }

    private static bool Converts(SafetensorsType from, ScalarType to) => ScalarOf(from) == to || (IsFloat(ScalarOf(from)) && IsFloat(to));

    private static bool IsFloat(ScalarType type) => type is ScalarType.Float64 or ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16;

    internal static Tensor ToTensor(SafetensorsEntry entry)
    {
        Tensor tensor = empty(entry.Shape.ToArray(), ScalarOf(entry.Type), CPU);
        if (!entry.Data.IsEmpty)
        {
            entry.Data.Span.CopyTo(new TensorMemory(tensor).GetSpan());
            GC.KeepAlive(tensor);
        }

        return tensor;
    }

    private static ScalarType ScalarOf(SafetensorsType type) => type switch
    {
        SafetensorsType.F64 => ScalarType.Float64,
        SafetensorsType.F32 => ScalarType.Float32,
        SafetensorsType.F16 => ScalarType.Float16,
        SafetensorsType.BF16 => ScalarType.BFloat16,
        SafetensorsType.I64 => ScalarType.Int64,
        SafetensorsType.I32 => ScalarType.Int32,
        SafetensorsType.I16 => ScalarType.Int16,
        SafetensorsType.I8 => ScalarType.Int8,
        SafetensorsType.U8 => ScalarType.Byte,
        _ => ScalarType.Bool,
    };

    private static SafetensorsType TypeOf(string name, ScalarType type)
    {
        foreach (SafetensorsType candidate in Enum.GetValues<SafetensorsType>())
        {
            if (ScalarOf(candidate) == type)
            {
                return candidate;
            }
        }

        throw new ArgumentException($"{name} is {type}; allowed are floats, signed integers, Byte and Bool; convert it first, complex numbers with view_as_real.", nameof(type));
    }
}
