using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Checkpoints;
using MambaExt.Kernels;
using static TorchSharp.torch;

namespace MambaExt.Runs;

/// <summary>A finished model as a folder: <c>config.json</c> (what it is), <c>model.safetensors</c> (parameters and buffers by their
/// published names), <c>labels.json</c> (a name a class). It is loaded and used without training code.</summary>
public static class ModelFolder
{
    private const string Parameters = "model.safetensors", Config = "config.json", Labels = "labels.json";
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a model, over an older one of the same folder.</summary>
    public static void Save(string folder, nn.Module model, JsonObject config, IReadOnlyList<string> labels)
    {
        Directory.CreateDirectory(folder);
        foreach (var (name, content) in Files(model, config, labels))
        {
            PartialFile.Write(Path.Combine(folder, name), stream => stream.Write(content));
        }
    }

    /// <summary>The files that <see cref="Save"/> writes, by name.</summary>
    public static IReadOnlyList<(string Name, byte[] Content)> Files(nn.Module model, JsonObject config, IReadOnlyList<string> labels)
    {
        using var parameters = new MemoryStream();
        SafetensorsTensors.SaveModule(model, parameters);
        return [(Parameters, parameters.ToArray()), (Labels, JsonSerializer.SerializeToUtf8Bytes(labels, Json)), (Config, JsonSerializer.SerializeToUtf8Bytes(config, Json))];
    }

    /// <summary>What a folder says of its model.</summary>
    /// <param name="folder">A model folder</param>
    /// <param name="kind">What <c>kind</c> in its config must be</param>
    /// <exception cref="DirectoryNotFoundException">It is no model folder.</exception>
    /// <exception cref="InvalidDataException">It is one of another kind, or damaged.</exception>
    public static (JsonObject Config, IReadOnlyList<string> Labels) Read(string folder, string kind)
    {
        if (!File.Exists(Path.Combine(folder, Parameters)) || RunFolder.Read(folder, Config) is not { } config)
        {
            throw new DirectoryNotFoundException($"'{folder}' is no model folder ({Config} and {Parameters}); give one that a training has written, <run>/models/<name>.");
        }

        if (config["kind"] is not JsonValue given || !given.TryGetValue(out string? is_) || is_ != kind)
        {
            throw new InvalidDataException($"'{folder}' holds a model of kind {config["kind"]?.ToJsonString() ?? "(none)"}, not '{kind}'; use the command or class of that kind.");
        }

        string labels = Path.Combine(folder, Labels);
        try
        {
            string?[]? names = JsonSerializer.Deserialize<string?[]>(File.ReadAllText(labels));
            return names is not null && !names.Contains(null) ? (config, [.. names.Select(n => n!)]) : throw new JsonException("null");
        }
        catch (Exception e) when (e is JsonException or FileNotFoundException)
        {
            throw new InvalidDataException($"'{labels}' is not a JSON list of class names; restore the file.", e);
        }
    }

    /// <summary>Fills <paramref name="model"/> from the folder.</summary>
    /// <exception cref="InvalidDataException">Names or shapes differ.</exception>
    public static void LoadInto(nn.Module model, string folder) => SafetensorsTensors.LoadInto(model, Path.Combine(folder, Parameters));
}
