using System.Text.Json;

namespace MambaExt.KernelCheck;

/// <summary>Where results go: a line of text for people, an object a line into a file for machines, and a count.</summary>
internal sealed class CheckRecord(TextWriter text, Stream? json) : IDisposable
{
    public int Passed { get; private set; }

    public int Failed { get; private set; }

    public int Skipped { get; private set; }

    /// <summary>To the console, and to a file that is made or goes on.</summary>
    public static CheckRecord Open(string? path) => new(Console.Out, path is null ? null : new FileStream(path, FileMode.Append, FileAccess.Write));

    /// <summary>A result that is neither right nor wrong.</summary>
    public void Note(string line, params (string Key, object? Value)[] fields)
    {
        text.WriteLine(line);
        if (json is not null)
        {
            // Serializers by reflection do not survive trimming.
            using (var writer = new Utf8JsonWriter(json))
            {
                writer.WriteStartObject();
                foreach (var (key, value) in fields)
                {
                    Write(writer, key, value);
                }

                writer.WriteEndObject();
            }

            json.Write("\n"u8);
            json.Flush();
        }
    }

    /// <summary>A result that counts; null is one that could not be had.</summary>
    public void Check(bool? ok, string line, params (string Key, object? Value)[] fields)
    {
        _ = ok is null ? Skipped++ : ok.Value ? Passed++ : Failed++;
        Note($"{(ok is null ? "skip" : ok.Value ? "pass" : "FAIL")}  {line}", [.. fields, ("ok", ok)]);
    }

    /// <summary>The closing line and the exit code.</summary>
    public int Close()
    {
        text.WriteLine($"{Passed} passed, {Failed} failed{(Skipped > 0 ? $", {Skipped} skipped" : "")}");
        return Failed == 0 ? 0 : 2;
    }

    public void Dispose() => json?.Dispose();

    private static void Write(Utf8JsonWriter writer, string key, object? value)
    {
        switch (value)
        {
            case null: writer.WriteNull(key); break;
            case bool flag: writer.WriteBoolean(key, flag); break;
            case int number: writer.WriteNumber(key, number); break;
            case long number: writer.WriteNumber(key, number); break;
            case double number when double.IsFinite(number): writer.WriteNumber(key, number); break;
            case double: writer.WriteNull(key); break;
            default: writer.WriteString(key, value.ToString()); break;
        }
    }
}
