using System.Text.Json;
using MambaExt.Checkpoints;
using MambaExt.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Models;

/// <summary>
/// Published language models as folders: <c>config.json</c> and <c>model.safetensors</c>, in the style of the authors' package
/// (<c>backbone.embedding.weight</c>) or of the transformers library (<c>backbone.embeddings.weight</c>). A tied head may be missing.
/// </summary>
public static class LmCheckpoint
{
    private const string Config = "config.json", Weights = "model.safetensors", Embedding = "backbone.embedding.weight", Head = "lm_head.weight";
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    /// <summary>Loads a model; nothing is allocated before the sizes of the config agree with the file.</summary>
    /// <param name="folder">Folder of the model</param>
    /// <param name="type">Element type of the parameters; those of another width are converted</param>
    /// <exception cref="InvalidDataException">A file is damaged, or the two do not fit together.</exception>
    /// <exception cref="FileNotFoundException">A file is absent.</exception>
    public static LanguageModel Load(string folder, ScalarType type = ScalarType.Float32)
    {
        LmOptions options = LmConfig.Read(Path.Combine(folder, Config));
        string path = Path.Combine(folder, Weights);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"'{folder}' has no {Weights}; convert the model to one safetensors file first.", path);
        }

        SafetensorsFile file = SafetensorsFile.Read(path);
        Dictionary<string, SafetensorsEntry> entries = Named(file, path);
        Check(options, entries, path);
        LanguageModel model = options is Mamba2LmOptions second ? new Mamba2Lm(second) : new MambaLm((MambaLmOptions)options);
        using IDisposable _ = no_grad();
        model.to(type);
        foreach (var (name, parameter) in model.named_parameters())
        {
            using Tensor stored = SafetensorsTensors.ToTensor(entries[name]);
            parameter.copy_(stored);
        }

        return model;
    }

    /// <summary>Writes a model, in the authors' style, over an older one of the same folder.</summary>
    public static void Save(string folder, LanguageModel model)
    {
        Directory.CreateDirectory(folder);
        SafetensorsTensors.Save(Path.Combine(folder, Weights), model.named_parameters().Select(p => (p.name, (Tensor)p.parameter)));
        byte[] config = JsonSerializer.SerializeToUtf8Bytes(LmConfig.Write(model.LmOptions), Json);
        PartialFile.Write(Path.Combine(folder, Config), stream => stream.Write(config));
    }

    private static Dictionary<string, SafetensorsEntry> Named(SafetensorsFile file, string path)
    {
        var entries = new Dictionary<string, SafetensorsEntry>();
        foreach (SafetensorsEntry entry in file.Entries)
        {
            string name = entry.Name == "backbone.embeddings.weight" ? Embedding : entry.Name;
            if (!entries.TryAdd(name, entry))
            {
                throw BadFile.At(path, 8, "the embedding under both of its names", "one of them", "fetch the file again");
            }
        }

        return entries;
    }

    private static void Check(LmOptions options, Dictionary<string, SafetensorsEntry> entries, string path)
    {
        var wanted = new HashSet<string>();
        foreach (var (name, shape) in options.ParameterShapes())
        {
            wanted.Add(name);
            if (!entries.TryGetValue(name, out SafetensorsEntry? entry))
            {
                throw Bad($"no '{name}'", "every parameter of the config's model");
            }

            if (!entry.Shape.SequenceEqual(shape))
            {
                throw Bad($"'{name}' of shape [{string.Join(", ", entry.Shape.ToArray())}]", $"[{string.Join(", ", shape)}], which follows from the config");
            }

            if (entry.Type is not (SafetensorsType.F64 or SafetensorsType.F32 or SafetensorsType.F16 or SafetensorsType.BF16))
            {
                throw Bad($"'{name}' of type {entry.Type.Name()}", "floating-point types");
            }
        }

        // A head that is said to be tied may be stored all the same, as the same numbers.
        if (options.tie_embeddings && entries.TryGetValue(Head, out SafetensorsEntry? head))
        {
            wanted.Add(Head);
            if (head.Type != entries[Embedding].Type || !head.Data.Span.SequenceEqual(entries[Embedding].Data.Span))
            {
                throw Bad($"a '{Head}' of its own", "the embedding's numbers, as the config ties the two");
            }
        }

        if (entries.Keys.FirstOrDefault(name => !wanted.Contains(name)) is { } other)
        {
            throw Bad($"a tensor {BadFile.Quote(other)}", "the parameters of the config's model and no other");
        }

        InvalidDataException Bad(string found, string allowed) => BadFile.At(path, 8, found, allowed, "take config and weights of one model");
    }
}
